package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

const (
	// maxChainedTries is how often AssumeRole is tried where no code is at stake.
	maxChainedTries = 3
	chainedBackoff  = 250 * time.Millisecond

	// minTimeToSend is what the run must have left for a code to be sent: a code
	// whose answer nobody waits for is lost.
	minTimeToSend = 5 * time.Second

	// stepPoll is how often the cache is looked at while a time step is waited for: another process may
	// have had the lock of a directory that is gone, and get the session.
	stepPoll = time.Second
)

// mint returns a new session of t, minted by this process or by the one that held
// the lock meanwhile. Its failure is shared too: whoever waited for an attempt that
// failed gets that failure instead of making the same attempt again.
func (c *call) mint(ctx context.Context, t *rules.Target, d demand) (creds.Session, error) {
	scope := c.Scope(t.Scope)
	unlock, filled, err := c.lock(ctx, scope, t, d)
	if err != nil {
		return creds.Session{}, err
	}
	if filled != nil {
		return *filled, nil
	}
	defer unlock()
	c.clock = c.Clock.LoadClock() // somebody may have measured it meanwhile
	if session, ok := c.filled(t, d); ok {
		return session, nil
	}
	locked := &LockedRecord{Scope: scope, Record: scope.Load(), Log: c.Log}
	if err := c.remembered(ctx, &locked.Record, t, d); err != nil {
		return creds.Session{}, err
	}
	shared, err := c.shared(ctx, t, d, locked)
	if err != nil {
		return creds.Session{}, err
	}
	if shared != nil {
		return *shared, nil
	}
	return c.mintLocked(ctx, t, d, locked)
}

// remembered returns the failure that makes an attempt pointless: one that
// happened while this process waited, or one that is held off still. Who demands a
// refresh is not held off by what happened before, nor is anybody whose secrets are not those that
// were refused: their codes are others, too.
func (c *call) remembered(ctx context.Context, record *rules.Record, t *rules.Target, d demand) error {
	now := c.Now()
	failure, found := record.FailedSince(t.ID, c.started, now)
	if !found {
		if failure, found = record.Held(t.ID, now); !found || d.Refresh {
			return nil
		}
		failure = failure.Repeated(now)
	}
	if failure.Mark != "" {
		mark, err := c.mark(ctx, t)
		if err != nil {
			return err
		}
		if mark != failure.Mark {
			record.Refused = nil
			return nil
		}
	}
	return failure.Err()
}

// mark returns the mark of what the session of t is asked for with; the first device stands for a pool.
func (c *call) mark(ctx context.Context, t *rules.Target) (string, error) {
	if t.Source != nil {
		source, _ := c.cached(t.Source)
		return c.plan.Mark(source.Credentials.AccessKeyID), nil
	}
	s, err := c.secrets(ctx)
	if err != nil {
		return "", err
	}
	return c.markOf(s.codes[c.plan.Serial]), nil
}

// failure describes a failed attempt with what has this mark.
func (c *call) failure(err error, mark string) rules.Failure {
	f := rules.NewFailure(err, c.Now())
	f.Code = awsapi.KindOf(err) == awsapi.CodeRefused
	if f.Kind == fault.Refused {
		f.Mark = mark
	}
	return f
}

// note notes the failed attempt for the session of t. Where another device may do, it is not held off: the one that was
// refused is.
func (c *call) note(ctx context.Context, t *rules.Target, err error, b *LockedRecord) rules.Failure {
	mark, _ := c.mark(ctx, t)
	f := c.failure(err, mark)
	if aboutDevice(err) && c.spare() {
		b.Record.Note(t.ID, f)
	} else {
		f = b.Record.Fail(t.ID, f)
	}
	b.Save()
	return f
}

// mintLocked mints a session of t under the lock of its scope, and keeps the
// record: what was minted goes to the cache, what failed is noted.
func (c *call) mintLocked(ctx context.Context, t *rules.Target, d demand, b *LockedRecord) (creds.Session, error) {
	var session creds.Session
	var err error
	if t.Source != nil {
		session, err = c.mintFromSource(ctx, t, d)
	} else {
		session, err = c.mintWithCode(ctx, t, d, b)
	}
	// A cancelled call says nothing about AWS, and a wait that was too long for one process says
	// nothing about the next.
	silent := errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, ErrWaiting)
	source, ok := errors.AsType[sourceError](err)
	switch {
	case err == nil:
		c.keep(t, session)
		b.succeeded(t.ID)
		c.share(ctx, t, session, nil)
	case ok && !silent:
		b.Record.Note(t.ID, rules.NewFailure(source.error, c.Now()))
		b.Save()
	case !silent:
		failure := c.note(ctx, t, err, b)
		c.share(ctx, t, session, &failure)
	}
	return session, err
}

// keep puts the session of t into the cache.
func (c *call) keep(t *rules.Target, session creds.Session) {
	if err := c.Sessions.Put(t.ID, session); err != nil {
		c.Log.Debug("session not cached", "error", err)
	}
}

// mintWithCode mints a session with the access key and a token code, or with one
// more, never two, if that may help. In a pool, that is another device's.
func (c *call) mintWithCode(ctx context.Context, t *rules.Target, d demand, b *LockedRecord) (creds.Session, error) {
	s, err := c.secrets(ctx)
	if err != nil {
		return creds.Session{}, err
	}
	request := awsapi.Request{Key: s.key, Role: t.Role, Duration: t.Duration}
	before := c.clock
	result, err := c.sendCode(ctx, t, request, d, b)
	if err != nil {
		return creds.Session{}, err
	}
	if ctx.Err() == nil && (worthAnother(result, c.clock != before) || aboutDevice(result.Err) && c.spare()) {
		// A consumer may kill this process while it waits: what is known by now is kept, unless the clock was
		// the cause.
		restore := func() {}
		if c.clock == before {
			restore = b.provisional(func() { c.note(ctx, t, result.Err, b) })
		}
		if !d.Ahead && c.taken(b.Record) {
			d.from = c.spread(ctx, b.Record)
		}
		d.Ahead = false
		second, err := c.sendCode(ctx, t, request, d, b)
		if errors.Is(ctx.Err(), context.Canceled) {
			return creds.Session{}, context.Cause(ctx)
		}
		restore()
		if err == nil {
			result = second
		}
		c.unsure = err != nil
	}
	if len(c.plan.Others) == 0 { // else judge has explained it
		mark, _ := c.mark(ctx, t)
		result.Err = c.explained(result.Err, b.Record, t.ID, c.plan.Serial, mark)
	}
	return c.accepted(ctx, result)
}

// taken reports whether AWS has refused the code of its current time step: unless the seed is wrong, a host that
// shares nothing with this one has used it.
func (c *call) taken(record rules.Record) bool {
	return c.fleet == nil && slices.Contains(record.Refused, totp.StepAt(c.now()))
}

// spread returns the time step of the second code, one of those that begin in time for it. Hosts that share nothing
// and were refused in one step would else all but one be refused in the next.
func (c *call) spread(ctx context.Context, record rules.Record) totp.Step {
	step, wait := choose(record, c.now(), 0)
	deadline, ok := ctx.Deadline()
	if !ok {
		return step
	}
	spare := time.Until(deadline) - wait - minTimeToSend - stepPoll
	return step + totp.Step(c.Random()*float64(1+max(0, spare)/totp.Period))
}

// maxTaken is how often in a row refused codes are put down to others who use the device.
const maxTaken = 5

// explained says why AWS has refused codes, where more is known than that: from the record of the device, and what
// was noted under id.
func (*call) explained(err error, record rules.Record, id, serial, mark string) error {
	last := record.Failures[id]
	if awsapi.KindOf(err) != awsapi.CodeRefused || record.Accepted != mark || mark == "" || last.Kind == fault.Deadline && last.Count >= maxTaken {
		return err
	}
	return &awsapi.Error{Kind: awsapi.CodeRefused, Delivery: awsapi.Answered, Err: fault.New(fault.Deadline, "MFA device "+serial,
		"try again in half a minute; set shared_cache for all of them, or give each an MFA device of its own (a user can have eight); if nobody else uses it: aws-mfa-creds resync --profile NAME",
		"AWS has accepted its codes from here before, and refused two in a row now: other computers or jobs use them")}
}

// sendCode sends request with the code of the first time step that may be used, of the first device that can be. A
// code that became out of date before it was sent is replaced. No code is sent if the session of
// t is in the cache by then: if somebody has removed the lock, another process may have minted it.
//
// Nor is a code sent that may have been sent before: one that a program prints again, or that another process
// has claimed which had the lock of a directory that is gone. Its step counts as spent.
func (c *call) sendCode(ctx context.Context, t *rules.Target, request awsapi.Request, d demand, b *LockedRecord) (awsapi.Result, error) {
	repeated, outdated := false, 0
	for {
		if session, err := c.meanwhile(ctx, t, d); session != nil || err != nil {
			return resultOf(session), err
		}
		v, err := c.device(ctx, t, d, b)
		if err != nil {
			return awsapi.Result{}, err
		}
		if v == nil {
			continue
		}
		result, err := c.sendWith(ctx, t, request, d, v, &repeated)
		v.unlock()
		switch {
		case errors.Is(err, errElsewhere): // the host that may have sent it is waited for
			if session, err := c.shared(ctx, t, d, b); session != nil || err != nil {
				return resultOf(session), err
			}
		case err != nil:
			return awsapi.Result{}, err
		case result != nil:
			if outdated++; awsapi.KindOf(result.Err) != awsapi.CodeOutOfDate || outdated == rules.MaxOutdated {
				return *result, nil
			}
		}
	}
}

// sendWith sends request with the code of a device, unless it may have been sent before. Then it returns nil, and
// repeated is set if this is so because of the code itself, for the second time an error.
func (c *call) sendWith(ctx context.Context, t *rules.Target, request awsapi.Request, d demand, v *device, repeated *bool) (*awsapi.Result, error) {
	session, err := c.claim(ctx, t, d, v)
	if session != nil || err != nil {
		result := resultOf(session)
		return &result, err
	}
	request.Serial, request.CodeExpires = v.serial, v.step.End()
	if request.Code, err = v.codes.Code(ctx, v.step); err != nil {
		return nil, err
	}
	code := rules.CodeMark(request.Key.Secret.Reveal(), request.Code.Reveal())
	again := code == v.Record.Code
	if again && *repeated {
		return nil, c.notWaiting("see that mfa_process prints the current code each time", "the program that makes its codes prints one that was sent before, again and again")
	}
	claimed, err := v.Claim(v.serial, v.step, code)
	if *repeated = again || !claimed; err != nil || *repeated {
		return nil, err
	}
	result := c.send(ctx, request)
	v.Settle(ctx, c.fleet, v.serial, result.Err, v.step)
	if result.Err == nil {
		v.Record.Accepted = c.markOf(v.codes)
		v.Save()
	}
	result.Err = c.judge(v, result.Err)
	return &result, nil
}

// meanwhile returns the session of t that another process has put into the cache, or another host into that
// of the fleet.
func (c *call) meanwhile(ctx context.Context, t *rules.Target, d demand) (*creds.Session, error) {
	if session, ok := c.filled(t, d); ok {
		return &session, nil
	}
	return c.look(ctx, t, d)
}

// resultOf returns a session as the result of the call that has minted it.
func resultOf(s *creds.Session) awsapi.Result {
	if s == nil {
		return awsapi.Result{}
	}
	return awsapi.Result{Credentials: s.Credentials, ServerTime: s.Minted}
}

// worthAnother reports whether the call may succeed with a later code, or at a
// later time, where it failed with result. corrected tells that the clock has been
// corrected since. Nothing else is ever tried again.
func worthAnother(result awsapi.Result, corrected bool) bool {
	switch awsapi.KindOf(result.Err) {
	case awsapi.CodeRefused, awsapi.Lost, awsapi.ServerError:
		return true
	case awsapi.ClockRefused:
		return corrected
	default:
		return false
	}
}

// mintFromSource mints a role session from the session before it in the chain. No
// code is at stake, so a throttled call is tried again as well.
func (c *call) mintFromSource(ctx context.Context, t *rules.Target, d demand) (creds.Session, error) {
	source, err := c.serve(ctx, t.Source, demand{Options: d.Options, optional: d.optional})
	if err != nil {
		return creds.Session{}, sourceError{err}
	}
	request := awsapi.Request{
		Key:      creds.AccessKey{ID: source.Credentials.AccessKeyID, Secret: source.Credentials.SecretAccessKey},
		Token:    source.Credentials.SessionToken,
		Role:     t.Role,
		Duration: t.Duration,
	}
	for try := 1; ; try++ {
		before := c.clock
		result := c.send(ctx, request)
		again := awsapi.KindOf(result.Err) == awsapi.Throttled || worthAnother(result, c.clock != before)
		if try == maxChainedTries || !again {
			return c.accepted(ctx, result)
		}
		wait := float64(chainedBackoff<<(try-1)) * (0.5 + c.Random())
		if c.Sleep(ctx, time.Duration(wait)) != nil {
			return c.accepted(ctx, result)
		}
	}
}

// send makes one call, signed for the corrected time, and learns the time from its answer, also where
// that cannot be stored.
func (c *call) send(ctx context.Context, r awsapi.Request) awsapi.Result {
	r.Skew = c.skew()
	result := c.STS.Call(ctx, r)
	c.clock = learn(c.Clock, c.clock, result.ServerTime, result.LocalTime)
	c.Log.Debug("clock", "skew", c.clock.Skew)
	return result
}

// accepted returns the session that came back. Where a success had no date, the corrected clock
// has to do. The cause of a cancellation takes the place of the failure that it has led to.
func (c *call) accepted(ctx context.Context, result awsapi.Result) (creds.Session, error) {
	if result.Err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return creds.Session{}, context.Cause(ctx)
	}
	if result.Err != nil {
		return creds.Session{}, result.Err
	}
	minted := result.ServerTime
	if minted.IsZero() {
		minted = c.now()
	}
	return creds.Session{Credentials: result.Credentials, Minted: minted}, nil
}

// timeFor reports whether ctx leaves the time d.
func (*call) timeFor(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) >= d
}

// choose returns the time step to use at now, AWS's time, none before from, and how long to wait for it
// to begin. A step about to end is not used: AWS's tolerance is not documented.
func choose(record rules.Record, now time.Time, from totp.Step) (totp.Step, time.Duration) {
	current := totp.StepAt(now)
	if current.End().Sub(now) < rules.MinStepLeft {
		current++
	}
	step := record.Next(max(current, from))
	return step, step.Start().Sub(now)
}
