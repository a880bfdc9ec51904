package enroll

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

const (
	// minStepLeft is what the second step of a pair must have left when it is sent.
	minStepLeft = 2 * time.Second

	// clockNoise is how far ahead of AWS this machine's clock may be without being corrected.
	// A pair that was waited for, or ends with a step to come, is sent that much later.
	clockNoise = 2 * time.Second

	// maxOutdated is how often a pair may become out of date before it is sent.
	maxOutdated = 3

	// The lock of a device is held for the seconds of one call.
	lockPoll     = 100 * time.Millisecond
	lockPatience = 45 * time.Second
)

// sendPair makes call, which is EnableMFADevice or ResyncMFADevice, with the codes of two
// consecutive time steps, neither of them ever sent before. The first pair is the step before and
// the current one, as people send them, so that nothing is waited for. Where AWS refuses that as
// codes, the second is the next step and the one after, sent as soon as the next begins.
func (r *run) sendPair(ctx context.Context, serial string, call func(context.Context, awsapi.Pair) error) error {
	seed, err := r.seeds.Seed(ctx, serial)
	if err != nil {
		return err
	}
	b, unlock, err := r.open(ctx, serial)
	if err != nil {
		return err
	}
	defer unlock()
	ahead, outdated := false, 0
	for {
		first, sent := choosePair(b.record, r.Now(), ahead)
		begin := sent.Start()
		if ahead || begin.After(r.Now()) {
			begin = begin.Add(clockNoise)
		}
		if err := r.wait(ctx, "the next token code", begin); err != nil {
			return err
		}
		if r.Now().Add(minStepLeft).After(sent.End()) {
			continue // the wait was longer than it should be
		}
		b.claim(first, first+1)
		err := call(ctx, awsapi.Pair{User: r.who.User(), Serial: serial, First: seed.Code(first), Second: seed.Code(first + 1), Expires: sent.End()})
		b.settle(err, first, first+1)
		switch {
		case is(err, awsapi.CodeOutOfDate) && outdated < maxOutdated:
			outdated++
		case is(err, awsapi.CodeRefused) && !ahead:
			ahead = true
		default:
			return err
		}
	}
}

// choosePair returns the first of two consecutive steps, neither of which was sent, and the one
// of them during which to send them: the second, or ahead of that the first. A step that is
// about to end at now is taken for over.
func choosePair(record rules.Record, now time.Time, ahead bool) (first, sent totp.Step) {
	current := totp.StepAt(now)
	if current.End().Sub(now) < minStepLeft {
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

// books are the record of one device while its lock is held.
type books struct {
	scope  *cache.Scope
	record rules.Record
	log    *slog.Logger
}

// open takes the lock of the device, which a helper may hold for the moment of a call.
func (r *run) open(ctx context.Context, serial string) (*books, func(), error) {
	scope := r.Cache.Scope(rules.DeviceScope(serial))
	for deadline := r.Now().Add(lockPatience); ; {
		unlock, held, err := scope.TryLock()
		if err != nil {
			return nil, nil, err
		}
		if held {
			return &books{scope, scope.Load(), r.Log}, unlock, nil
		}
		if r.Now().After(deadline) {
			return nil, nil, fault.New(fault.Deadline, "MFA device "+serial, "try again", "another process has held its lock all the time")
		}
		if err := r.pause(ctx, lockPoll); err != nil {
			return nil, nil, err
		}
	}
}

// forgetSteps empties the books of a device that has a new seed. An earlier device may have had
// its serial, and the time steps that one has spent would only be waited for.
func (r *run) forgetSteps(ctx context.Context, serial string) error {
	b, unlock, err := r.open(ctx, serial)
	if err != nil {
		return err
	}
	defer unlock()
	if len(b.record.Sent)+len(b.record.Refused)+len(b.record.Failures) > 0 {
		b.record = rules.Record{}
		b.save()
	}
	return nil
}

// claim is stored before the codes leave, so that a process that is killed in between does
// not let another one send them again.
func (b *books) claim(steps ...totp.Step) {
	for _, step := range steps {
		b.record.Claim(step)
	}
	b.save()
}

// settle notes what err says about codes that were claimed.
func (b *books) settle(err error, steps ...totp.Step) {
	failure, ok := errors.AsType[*awsapi.Error](err)
	if !ok {
		return // they count as spent
	}
	for _, step := range steps {
		switch {
		case failure.Delivery == awsapi.Unsent:
			b.record.Free(step)
		case failure.Kind == awsapi.CodeRefused, failure.Kind == awsapi.ClockRefused:
			b.record.Refuse(step)
		}
	}
	b.save()
}

// save may fail: STS and IAM refuse what they have seen.
func (b *books) save() {
	if err := b.scope.Save(b.record); err != nil {
		b.log.Debug("record not stored", "error", err)
	}
}
