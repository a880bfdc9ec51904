package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// lockPatience is how long the lock of a device is waited for, which is held for the seconds of one call.
const lockPatience = 45 * time.Second

// sendPair makes call, which is EnableMFADevice or ResyncMFADevice, with the codes of two
// consecutive time steps, neither of them ever sent before. The first pair is the step before and
// the current one, as people send them, so that nothing is waited for. Where AWS refuses that as
// codes, the second is the next step and the one after, sent as soon as the next begins.
func (r *run) sendPair(ctx context.Context, serial string, call func(context.Context, awsapi.Pair) error) error {
	d, done, err := r.codes(ctx, serial)
	if done != nil {
		defer done()
	}
	if err != nil {
		return err
	}
	ahead, outdated := false, 0
	for {
		first, sent := choosePair(d.Record, r.Now(), ahead)
		begin := sent.Start()
		if ahead || begin.After(r.Now()) {
			begin = begin.Add(rules.ClockNoise)
		}
		if err := r.wait(ctx, "the next token code", begin); err != nil {
			return err
		}
		if r.Now().Add(rules.MinStepLeft).After(sent.End()) {
			continue // the wait was longer than it should be
		}
		if free, err := d.claim(ctx, first); err != nil {
			return err
		} else if !free {
			continue
		}
		err := call(ctx, awsapi.Pair{User: r.who.User(), Serial: serial, First: d.seed.Code(first), Second: d.seed.Code(first + 1), Expires: sent.End()})
		d.Settle(ctx, d.fleet, serial, err, first, first+1)
		switch {
		case is(err, awsapi.CodeOutOfDate) && outdated < rules.MaxOutdated:
			outdated++
		case is(err, awsapi.CodeRefused) && !ahead:
			ahead = true
		default:
			return err
		}
	}
}

// codes are those of a device, while its lock is held.
type codes struct {
	*session.LockedRecord
	serial string
	seed   totp.Seed
	secret creds.Secret  // that get sends the codes with
	fleet  session.Fleet // nil: none
}

// codes takes the lock, and joins the hosts that share the device. done, if it is not nil, gives both back.
func (r *run) codes(ctx context.Context, serial string) (d codes, done func(), err error) {
	d.serial = serial
	if d.seed, err = r.seeds.Seed(ctx, serial); err != nil {
		return d, nil, err
	}
	locked, unlock, err := r.open(ctx, serial)
	if err != nil {
		return d, nil, err
	}
	d.LockedRecord = locked
	if d.secret, d.fleet, err = r.Join(ctx, d.seed); err != nil || d.fleet == nil {
		return d, unlock, err
	}
	return d, func() { d.fleet.Leave(ctx); unlock() }, nil
}

// claim claims the codes of first and the next step. It is false if one of them may have been sent.
func (d codes) claim(ctx context.Context, first totp.Step) (free bool, err error) {
	for step := first; step <= first+1; step++ {
		if _, free, err = d.ClaimIn(ctx, d.fleet, session.Wish{}, d.serial, step); err == nil && free {
			free, err = d.Claim(d.serial, step, rules.CodeMark(d.secret.Reveal(), d.seed.Code(step).Reveal()))
		}
		if cause := context.Cause(ctx); cause != nil && errors.Is(err, session.ErrWaiting) {
			err = cause
		}
		if err != nil || !free {
			return false, err
		}
	}
	return true, nil
}

// choosePair returns the first of two consecutive steps, neither of which was sent, and the one
// of them during which to send them: the second, or ahead of that the first. A step that is
// about to end at now is taken for over.
func choosePair(record rules.Record, now time.Time, ahead bool) (first, sent totp.Step) {
	current := totp.StepAt(now)
	if current.End().Sub(now) < rules.MinStepLeft {
		current++
	}
	if !ahead {
		current = max(current, 1) - 1
	}
	first = record.Next(current)
	for second := record.Next(first + 1); second != first+1; second = record.Next(first + 1) {
		first = second
	}
	if ahead {
		return first, first
	}
	return first, first + 1
}

// open takes the lock of the device, which a helper may hold for the moment of a call.
func (r *run) open(ctx context.Context, serial string) (*session.LockedRecord, func(), error) {
	scope := r.Cache.Scope(rules.DeviceScope(serial))
	waiting, end := context.WithTimeout(ctx, lockPatience)
	defer end()
	unlock, err := scope.Lock(waiting)
	switch {
	case err == nil:
		return &session.LockedRecord{Scope: scope, Record: scope.Load(), Log: r.Log}, unlock, nil
	case waiting.Err() != nil && ctx.Err() == nil:
		err = session.Taken(scope, serial)
	}
	return nil, nil, err
}

// forgetSteps empties the record of a device that has a new seed. An earlier device may have had
// its serial, and the time steps that one has spent would only be waited for.
func (r *run) forgetSteps(ctx context.Context, serial string) error {
	locked, unlock, err := r.open(ctx, serial)
	if err != nil {
		return err
	}
	defer unlock()
	if len(locked.Record.Sent)+len(locked.Record.Refused)+len(locked.Record.Failures) > 0 {
		locked.Record = rules.Record{}
		locked.Save()
	}
	return nil
}
