package session

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// LockedRecord is the record of one scope while its lock is held; package cache stores it. A record that cannot
// be stored is not a failure: AWS refuses what it has seen.
type LockedRecord struct {
	Scope  Scope
	Record rules.Record
	Log    *slog.Logger

	claimed  map[totp.Step]string // the marks of the codes of this process
	unstored error                // why the record was not stored the last time
}

// spend notes that another host or process may have sent the code of step.
func (l *LockedRecord) spend(step totp.Step) {
	l.Record.Claim(step)
	l.Save()
}

// Claim claims step and its code, whose mark is code, and has to be called before that code leaves: a process
// killed in between must not let another one send it again. It is false if another process of this home may have
// sent it. The error is that of the disk, where nobody knows.
func (l *LockedRecord) Claim(serial string, step totp.Step, code string) (claimed bool, err error) {
	l.Record.Code = code
	l.spend(step)
	err = l.Scope.Claim(code)
	if err != nil && l.unstored != nil {
		return false, fault.New(fault.Filesystem, "MFA device "+serial, fault.Remedy(l.unstored),
			"no token code was sent: another process may have sent it, because there is no place for a lock and a record (%s)", fault.Text(l.unstored))
	}
	if l.claimed == nil {
		l.claimed = make(map[totp.Step]string)
	}
	if claimed = !errors.Is(err, fs.ErrExist); claimed {
		l.claimed[step] = code
	}
	return claimed, nil
}

// ClaimIn claims the code of step in a fleet, if there is one, before it is claimed by Claim. It is false if another
// host may have sent it: then it counts as spent here, too. The error is as that of Fleet.Claim.
func (l *LockedRecord) ClaimIn(ctx context.Context, f Fleet, w Wish, serial string, step totp.Step) (s *creds.Session, free bool, err error) {
	if f == nil {
		return nil, true, nil
	}
	s, free, err = f.Claim(ctx, w, serial, step)
	if s == nil && !free && err == nil {
		l.spend(step)
	}
	return s, free, err
}

// Settle notes what the error of a call, or nil, says about the claimed steps whose codes it sent. They
// stay claimed, also in the fleet, unless it is certain that AWS has not accepted them.
func (l *LockedRecord) Settle(ctx context.Context, f Fleet, serial string, err error, steps ...totp.Step) {
	settle := l.free
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
		if f != nil && awsapi.DeliveryOf(err) == awsapi.Unsent {
			f.Free(ctx, serial, step)
		}
	}
	l.Save()
}

// free takes back what Claim has claimed.
func (l *LockedRecord) free(step totp.Step) {
	l.Record.Free(step)
	l.Scope.Free(l.claimed[step])
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
