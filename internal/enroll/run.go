package enroll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
)

const (
	// maxTries is how often a call is made that may succeed later, with firstPause after
	// the first, doubled each time.
	maxTries   = 4
	firstPause = time.Second
)

// run is one run of a flow, under the lock of the profile.
type run struct {
	*Manager
	seeds keystore.Items // of SeedStore
	who   awsapi.Identity
	entry Entry

	// resumed: an earlier run has begun the phase that is being run.
	resumed bool

	iam   IAM
	mfa   bool   // iam signs with a session that has MFA
	noMFA error  // why there is none, once asked
	first bool   // the user has no device yet, and so no session with MFA
	only  string // the serial of the only device that the user has, if that is known
}

// locked has work done under the lock of the profile.
func (m *Manager) locked(work func(*run) error) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	seeds, err := m.Open(m.SeedStore)
	if err != nil {
		return err
	}
	return work(&run{Manager: m, seeds: seeds})
}

// begin reads the journal and finds out who the user is.
func (r *run) begin(ctx context.Context, about Subject, flow Flow) (err error) {
	if r.entry, r.resumed, err = r.Unfinished(about); err != nil {
		return err
	}
	otherStore := r.entry.Store != "" && r.entry.Store != r.SeedStore // it was begun since the caller looked
	if r.resumed && (r.entry.Flow != flow || otherStore) {
		return unfinished(r.entry, r.Now())
	}
	if err := r.identify(ctx); err != nil {
		return err
	}
	if r.resumed {
		if r.entry.Caller != r.who.ARN {
			return otherCaller(r.entry, r.who)
		}
		if err := r.prepare(ctx); err != nil {
			return err
		}
		r.progress("Resuming an earlier run of %q that did not finish", flow)
	}
	return r.dial(ctx)
}

// identify also measures the clock, before the first code is made.
func (r *run) identify(ctx context.Context) error {
	err := r.patiently(ctx, repeatable, func() (err error) {
		r.who, err = r.Identify(ctx, creds.AccessKey{})
		return err
	})
	if err != nil {
		return err
	}
	return refuseCaller(r.who)
}

// dial returns to the stored access key, which may be another one by now.
func (r *run) dial(ctx context.Context) (err error) {
	r.iam, err = r.Dial(ctx, false)
	r.mfa, r.noMFA, r.first = false, nil, false
	return err
}

// withMFA switches to a session that has MFA. Without one the error wraps ErrNoSession.
func (r *run) withMFA(ctx context.Context) error {
	if r.mfa || r.noMFA != nil {
		return r.noMFA
	}
	api, err := r.Dial(ctx, true)
	if err != nil {
		r.noMFA = err
		return err
	}
	r.iam, r.mfa = api, true
	return nil
}

// call makes one call to IAM: again, later, while again says so, and again with MFA if that is
// what AWS wants.
func (r *run) call(ctx context.Context, again func(error) bool, call func(IAM) error) error {
	once := func() error { return r.patiently(ctx, again, func() error { return call(r.iam) }) }
	err := once()
	if r.mfa || r.first || !wantsMFA(err) {
		return err
	}
	switch none := r.withMFA(ctx); {
	case errors.Is(none, ErrNoSession):
		return r.withoutMFA(err)
	case none != nil:
		return none
	}
	return once()
}

// ask is run.call for a call that answers.
func ask[T any](ctx context.Context, r *run, again func(error) bool, call func(IAM) (T, error)) (answer T, err error) {
	err = r.call(ctx, again, func(api IAM) (err error) {
		answer, err = call(api)
		return err
	})
	return answer, err
}

// patiently calls f until it succeeds or fails with an error that is not worth it.
func (r *run) patiently(ctx context.Context, again func(error) bool, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if err != nil && errors.Is(ctx.Err(), context.Canceled) {
			return context.Cause(ctx) // rather than what it has led to
		}
		if err == nil || try == maxTries || !again(err) {
			return err
		}
		r.Log.Debug("trying again", "error", err)
		if err := r.pause(ctx, firstPause<<(try-1)); err != nil {
			return err
		}
	}
}

// pause waits without a countdown.
func (r *run) pause(ctx context.Context, d time.Duration) error {
	if r.Sleep(ctx, d) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// wait waits until t, AWS's time, and counts down.
func (r *run) wait(ctx context.Context, what string, t time.Time) error {
	for waited := false; ; waited = true {
		left := t.Sub(r.Now())
		switch {
		case left > 0:
			r.Countdown(what, left.Truncate(time.Second)+time.Second)
		case waited:
			r.Countdown(what, 0)
			return nil
		default:
			return nil
		}
		if err := r.pause(ctx, min(left, time.Second)); err != nil {
			return err
		}
	}
}

// enter writes the phase down before anything of it happens.
func (r *run) enter(p Phase) error {
	r.entry.Phase, r.entry.Version = p, entryVersion
	r.resumed = false
	return r.saveEntry(r.entry)
}

// finish ends the flow.
func (r *run) finish() error {
	err := r.clearEntry(r.entry.About)
	r.entry = Entry{About: r.entry.About}
	return err
}

// prepare does what the flow wants done before its first change, in every run.
func (r *run) prepare(ctx context.Context) error {
	if r.Begin == nil {
		return nil
	}
	return r.Begin(ctx)
}

// start begins the flow of e with its first phase.
func (r *run) start(ctx context.Context, first Phase, e Entry) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	e.Started, e.Caller = r.Now().UTC(), r.who.ARN
	r.entry = e
	return r.enter(first)
}

// phases runs the phases that are left, each of which can be run again, whatever of it has been done.
// What Awaiting has left to do is left to the next run. It returns the entry of the last one.
func (r *run) phases(ctx context.Context, do map[Phase]func(context.Context) error) (last Entry, err error) {
	for err == nil && r.entry.Phase != "" && (r.resumed || r.entry.Phase != Awaiting) {
		last = r.entry
		err = do[last.Phase](ctx)
	}
	return last, err
}

func (r *run) progress(format string, args ...any) { r.Progress(fmt.Sprintf(format, args...)) }

// never is for calls that carry codes: they look after themselves.
func never(error) bool { return false }

// passing reports whether AWS has certainly not done what it will do a moment later.
func passing(err error) bool {
	return is(err, awsapi.Throttled) || is(err, awsapi.Busy) || is(err, awsapi.ClockRefused)
}

// uncertain reports whether AWS may have done it or not.
func uncertain(err error) bool { return is(err, awsapi.Lost) || is(err, awsapi.ServerError) }

// repeatable is for calls that do no more the second time.
func repeatable(err error) bool { return passing(err) || uncertain(err) }

// definite reports whether AWS has said no, and will say so again.
func definite(err error) bool {
	failure, ok := errors.AsType[*awsapi.Error](err)
	return ok && failure.Delivery == awsapi.Answered && !repeatable(err)
}

func wantsMFA(err error) bool {
	failure, ok := errors.AsType[*awsapi.Error](err)
	return ok && failure.WantsMFA
}

func is(err error, reason awsapi.Kind) bool { return err != nil && awsapi.KindOf(err) == reason }

// unlessGone returns err, unless it says that what was to be removed is not there.
func unlessGone(err error) error {
	if is(err, awsapi.NotFound) {
		return nil
	}
	return err
}

// missing reports whether a store has nothing of use.
func missing(err error) bool { return err != nil && fault.KindOf(err) == fault.NoSecret }
