package enroll

import (
	"context"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

const (
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
	locked, unlock, err := r.open(ctx, serial)
	if err != nil {
		return err
	}
	defer unlock()
	ahead, outdated := false, 0
	for {
		first, sent := choosePair(locked.Record, r.Now(), ahead)
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
		locked.Claim(first, first+1)
		err := call(ctx, awsapi.Pair{User: r.who.User(), Serial: serial, First: seed.Code(first), Second: seed.Code(first + 1), Expires: sent.End()})
		locked.Settle(err, first, first+1)
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
	for deadline := r.Now().Add(lockPatience); ; {
		unlock, held, err := scope.TryLock()
		if err != nil {
			return nil, nil, err
		}
		if held {
			return &session.LockedRecord{Scope: scope, Record: scope.Load(), Log: r.Log}, unlock, nil
		}
		if r.Now().After(deadline) {
			return nil, nil, session.Taken(scope, serial)
		}
		if err := r.pause(ctx, lockPoll); err != nil {
			return nil, nil, err
		}
	}
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
