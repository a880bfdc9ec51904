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

// LockedRecord is the record of one scope while its lock is held. A record that cannot be
// stored is not a failure: AWS refuses what it has seen.
type LockedRecord struct {
	Scope  Scope
	Record rules.Record
	Log    *slog.Logger
}

// Claim has to be called before the codes of the steps leave: a process killed in between must
// not let another one send them again.
func (l *LockedRecord) Claim(steps ...totp.Step) {
	for _, step := range steps {
		l.Record.Claim(step)
	}
	l.Save()
}

// Settle notes what the error of a call, or nil, says about the claimed steps whose codes it sent.
func (l *LockedRecord) Settle(err error, steps ...totp.Step) {
	kind, unsent := awsapi.KindOf(err), awsapi.DeliveryOf(err) == awsapi.Unsent
	refused := kind == awsapi.CodeRefused || kind == awsapi.ClockRefused // the signature is checked before the code
	if !unsent && !refused {
		return // they count as spent, as claimed
	}
	for _, step := range steps {
		if unsent {
			l.Record.Free(step)
		} else {
			l.Record.Refuse(step)
		}
	}
	l.Save()
}

// Save stores the record, if that is possible.
func (l *LockedRecord) Save() {
	if err := l.Scope.Save(l.Record); err != nil {
		l.Log.Debug("record not stored", "error", err)
	}
}

// failed notes the failure of t. A cancelled call says nothing about AWS, and a wait
// that was too long for one process says nothing about the next.
func (l *LockedRecord) failed(ctx context.Context, t *rules.Target, err error, now time.Time) {
	if errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, errWaiting) {
		return
	}
	if source, ok := errors.AsType[sourceError](err); ok {
		l.Record.Note(t.ID, source.error, now)
	} else {
		l.Record.Fail(t.ID, err, now)
	}
	l.Save()
}

// provisional notes the failure of a first attempt, and returns a function that takes the note
// back once the second attempt has told how it really ended.
func (l *LockedRecord) provisional(t *rules.Target, err error, now time.Time) (restore func()) {
	before := l.Record.Failures
	l.Record.Fail(t.ID, err, now)
	l.Save()
	return func() {
		l.Record.Failures = before
		l.Save()
	}
}

func (l *LockedRecord) succeeded(t *rules.Target) {
	if _, failed := l.Record.Failures[t.ID]; !failed {
		return
	}
	l.Record.Succeed(t.ID)
	l.Save()
}

// sourceError is a failure of the session before this one in a chain.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }
