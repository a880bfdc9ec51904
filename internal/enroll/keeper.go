package enroll

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Keeper keeps the MFA device and the access key of one profile. All fields are required.
type Keeper struct {
	// Identify asks STS whose key it is; the zero key is the one that is stored. Its
	// errors are *awsapi.Error.
	Identify func(ctx context.Context, key creds.AccessKey) (awsapi.Identity, error)

	// Dial returns a client that signs as wanted. It reads the store and the settings each
	// time, because both change on the way. Where no session with MFA can be had, its error
	// wraps ErrNoSession; any other error ends the run.
	Dial func(ctx context.Context, as Access) (IAM, error)

	// Prove makes a real session. Its error is an *awsapi.Error if STS was called. It sends the
	// code of a step that is not spent, and is not held off by earlier failures.
	Prove func(ctx context.Context, p Proof) error

	// Store is the name of the store that Seeds is. Where an earlier run has begun with another one,
	// its Entry has that, and it is the one to take.
	Store string

	Seeds    Seeds
	Keys     Keys
	Settings Settings
	Journal  Journal
	Scope    func(serial string) Scope

	// Now is AWS's time: this machine's, corrected by what the last answer showed. Sleep
	// waits for d or until ctx is done, returning ctx's error then.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	// Progress is told what happens, and once a second how long a wait will last.
	Progress func(Event)

	// Confirm asks a person before the last device of a user goes. Its error, if it is not
	// confirmed, ends the run.
	Confirm func(ctx context.Context, last LastDevice) error

	Log *slog.Logger
}

// Access says whose signature IAM sees.
type Access int

// The ways to sign.
const (
	WithKey Access = iota // the stored access key
	WithMFA               // a session that was made with an MFA device that works
)

// ErrNoSession is what Dial returns where no session with MFA can be had.
var ErrNoSession = errors.New("no session with MFA")

// MFAError is the denial of a call that a session with MFA would be allowed, where Dial had
// none. It wraps the *awsapi.Error.
type MFAError struct{ Err error }

// Error returns the text of the denial.
func (e *MFAError) Error() string { return e.Err.Error() }

// Unwrap returns the denial.
func (e *MFAError) Unwrap() error { return e.Err }

// Proof is what a session is to prove.
type Proof struct {
	Key    creds.AccessKey // that signs; zero: the stored one
	Serial string          // of the device, whose seed is stored
}

// LastDevice is the only MFA device that a user has, or may be.
type LastDevice struct {
	User   string
	Serial string
	Sure   bool // false if AWS does not tell whether there are others
}

// Unfinished returns what an earlier run has left undone, if it has.
func (k *Keeper) Unfinished(about Subject) (Entry, bool, error) {
	e, err := k.Journal.Load(about)
	return e, e.Phase != "", err
}

// Abandon forgets what an earlier run has left undone, for when it can never be finished. What
// there is in IAM and in the store stays; the entry names it.
func (k *Keeper) Abandon(about Subject) (Entry, error) {
	unlock, err := k.lock()
	if err != nil {
		return Entry{}, err
	}
	defer unlock()
	e, err := k.Journal.Load(about)
	if err != nil {
		return Entry{}, err
	}
	return e, k.Journal.Clear(about)
}

func (k *Keeper) lock() (unlock func(), err error) {
	unlock, held, err := k.Journal.TryLock()
	if err == nil && !held {
		return nil, fault.New(fault.Deadline, "this profile", "try again when it has ended", "another process is changing its MFA device or access key")
	}
	return unlock, err
}
