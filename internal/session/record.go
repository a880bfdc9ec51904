package session

import (
	"errors"
	"io/fs"
	"log/slog"

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

	unstored error // why the record was not stored the last time
}

// Claim has to be called before the codes of the steps leave: a process killed in between must
// not let another one send them again.
func (l *LockedRecord) Claim(steps ...totp.Step) {
	for _, step := range steps {
		l.Record.Claim(step)
	}
	l.Save()
}

// claimCode claims step and its code, whose mark is code. It is false if another process of this home may have
// sent that code. The error is that of the disk, where nobody knows.
func (l *LockedRecord) claimCode(step totp.Step, code string) (claimed bool, err error) {
	l.Record.Code = code
	l.Claim(step)
	err = l.Scope.Claim(code)
	if err != nil && l.unstored != nil {
		return false, l.unstored
	}
	return !errors.Is(err, fs.ErrExist), nil
}

// Settle notes what the error of a call, or nil, says about the claimed steps whose codes it sent. They
// stay claimed unless it is certain that AWS has not accepted them.
func (l *LockedRecord) Settle(err error, steps ...totp.Step) {
	settle := l.Record.Free
	switch kind := awsapi.KindOf(err); {
	case kind == awsapi.CodeRefused:
		settle = l.Record.Refuse
	case kind == awsapi.KeyUnknown || kind == awsapi.SecretWrong || kind == awsapi.ClockRefused:
		// The key and the signature are checked before the code is looked at.
	case awsapi.DeliveryOf(err) != awsapi.Unsent:
		return
	}
	for _, step := range steps {
		settle(step)
	}
	l.Save()
}

// Save stores the record, if that is possible.
func (l *LockedRecord) Save() {
	if l.unstored = l.Scope.Save(l.Record); l.unstored != nil {
		l.Log.Debug("record not stored", "error", l.unstored)
	}
}

// provisional notes the failure of a first attempt, and returns a function that takes the note
// back once the second attempt has told how it really ended.
func (l *LockedRecord) provisional(note func()) (restore func()) {
	before := l.Record.Failures
	note()
	return func() {
		l.Record.Failures = before
		l.Save()
	}
}

func (l *LockedRecord) succeeded(id string) {
	if _, failed := l.Record.Failures[id]; !failed {
		return
	}
	l.Record.Succeed(id)
	l.Save()
}

// Change changes the record of scope. If another process holds its lock, or the record cannot be stored, it
// stays as it is: a code is waited for then, or refused by AWS.
func Change(scope Scope, change func(*rules.Record)) {
	unlock, held, err := scope.TryLock()
	if err != nil || !held {
		return
	}
	defer unlock()
	record := scope.Load()
	change(&record)
	_ = scope.Save(record)
}

// sourceError is a failure of the session before this one in a chain.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }
