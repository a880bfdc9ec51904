package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// books is the record of one scope while its lock is held. A record that cannot be
// stored is not a failure: STS refuses what it has seen.
type books struct {
	scope  Scope
	record rules.Record
	log    *slog.Logger
}

// claim has to be stored before the code leaves: a process killed in between must
// not let another one send it again.
func (b *books) claim(step totp.Step) {
	b.record.Claim(step)
	b.save()
}

// settle notes what the result says about the code that was claimed.
func (b *books) settle(step totp.Step, result awsapi.Result) {
	switch kind := awsapi.KindOf(result.Err); {
	case awsapi.DeliveryOf(result.Err) == awsapi.Unsent:
		b.record.Free(step)
	case kind == awsapi.CodeRefused, kind == awsapi.ClockRefused:
		b.record.Refuse(step) // the signature is checked before the code
	default:
		return // it counts as spent, as claimed
	}
	b.save()
}

// failed notes the failure of t. A cancelled call says nothing about AWS, and a wait
// that was too long for one process says nothing about the next.
func (b *books) failed(ctx context.Context, t *rules.Target, err error, now time.Time) {
	if errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, errWaiting) {
		return
	}
	if source, ok := errors.AsType[sourceError](err); ok {
		b.record.Note(t.ID, source.error, now)
	} else {
		b.record.Fail(t.ID, err, now)
	}
	b.save()
}

// provisional notes the failure of a first attempt, and returns a function that takes the note
// back once the second attempt has told how it really ended.
func (b *books) provisional(t *rules.Target, err error, now time.Time) (restore func()) {
	before := b.record.Failures
	b.record.Fail(t.ID, err, now)
	b.save()
	return func() {
		b.record.Failures = before
		b.save()
	}
}

func (b *books) succeeded(t *rules.Target) {
	if _, failed := b.record.Failures[t.ID]; !failed {
		return
	}
	b.record.Succeed(t.ID)
	b.save()
}

func (b *books) save() {
	if err := b.scope.Save(b.record); err != nil {
		b.log.Debug("record not stored", "error", err)
	}
}

// sourceError is a failure of the session before this one in a chain.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }
