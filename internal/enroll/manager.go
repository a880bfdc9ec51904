// Package enroll manages the virtual MFA device and the access key of a profile: enroll, resync, rotate,
// remove.
//
// Each flow is a list of phases. The journal records a phase before it begins, every phase can be run
// again, and the same loop runs them the first time and after a crash. So at every instant:
//
//   - a device is enabled only after its seed was stored and read back,
//   - a working device or key is removed only after another one got a session,
//   - the journal names what a crash leaves in IAM, and the next run of the same command finishes or
//     removes it.
//
// An enrollment goes Manager.Enroll -> changeDevice -> phases, which runs create (create.go), enable
// (enable.go), adopt (enroll.go) and removeOld (removal.go).
package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Manager changes the MFA device and the access key of one profile. All fields but Begin are required.
type Manager struct {
	Journal // its Now is AWS's time: this computer's, corrected by what the last answer showed

	Paths profile.Paths
	Cache *cache.Cache // for the locks and records of MFA devices, which session.Broker shares

	// SeedStore is the store that a new seed goes to. Where an earlier run has begun with
	// another one, its Entry names that, and it is the one to take.
	SeedStore string

	// Open opens a store by its name, and Resolve returns the settings of a profile as the files
	// have them now.
	Open    func(store string) (keystore.Items, error)
	Resolve func(name string) (profile.Settings, error)

	// Begin is called once, before the first change and when nothing is left to be asked. What it does belongs
	// to the flow, such as to store the access key. Nil: nothing.
	Begin func(ctx context.Context) error

	// Identify asks STS whose key it is; the zero key is the one that is stored. Its
	// errors are *awsapi.Error.
	Identify func(ctx context.Context, key creds.AccessKey) (awsapi.Identity, error)

	// Dial returns a client that signs with the stored access key or, withMFA, with a session that
	// was made with an MFA device that works. It reads the store and the settings each time, because
	// both change on the way. Where no such session can be had, its error wraps ErrNoSession; any
	// other error ends the run.
	Dial func(ctx context.Context, withMFA bool) (IAM, error)

	// Prove makes a real session. Its error is an *awsapi.Error if STS was called. It sends the
	// code of a step that is not spent, and is not held off by earlier failures.
	Prove func(ctx context.Context, p Proof) error

	// Join returns what the codes of a device are claimed with before they are sent, besides its record: the secret
	// access key that get uses, and the hosts that share it, or nil.
	Join func(ctx context.Context, seed totp.Seed) (secret creds.Secret, f session.Fleet, err error)

	// Forget deletes the cached sessions of the access key that was replaced.
	Forget func(ctx context.Context) error

	// Sleep waits for d or until ctx is done, returning ctx's error then.
	Sleep func(ctx context.Context, d time.Duration) error

	// Progress shows what happens now, as one line. Countdown shows how long the wait for
	// something lasts, once a second: whole seconds, or 0 when it is over.
	Progress  func(line string)
	Countdown func(what string, left time.Duration)

	// Confirm asks a person before the last device of a user is removed. Its error, if it is not
	// confirmed, ends the run.
	Confirm func(ctx context.Context, last LastDevice) error
}

// IAM makes calls to IAM under one set of credentials, each in one request that is never
// repeated. Its errors are *awsapi.Error; internal/awsapi has the meaning of each call.
type IAM interface {
	CreateVirtualMFADevice(ctx context.Context, name string) (awsapi.NewDevice, error)
	EnableMFADevice(ctx context.Context, p awsapi.Pair) error
	ResyncMFADevice(ctx context.Context, p awsapi.Pair) error
	DeactivateMFADevice(ctx context.Context, user, serial string) error
	DeleteVirtualMFADevice(ctx context.Context, serial string) error
	ListMFADevices(ctx context.Context, user string) ([]awsapi.Device, error)
	ListVirtualMFADevices(ctx context.Context) ([]awsapi.Device, error)

	CreateAccessKey(ctx context.Context, user string) (creds.AccessKey, error)
	UpdateAccessKey(ctx context.Context, user, id string, active bool) error
	DeleteAccessKey(ctx context.Context, user, id string) error
	ListAccessKeys(ctx context.Context, user string) ([]awsapi.Key, error)
	GetAccessKeyLastUsed(ctx context.Context, id string) (awsapi.KeyUse, error)
}

// ErrNoSession is what Dial returns where no session with MFA can be had.
var ErrNoSession = errors.New("no session with MFA")

// MFAError is the denial of a call that a session with MFA would be allowed, where Dial had
// none. It wraps the *awsapi.Error.
type MFAError struct{ error }

// Unwrap returns the denial.
func (e *MFAError) Unwrap() error { return e.error }

// Proof is what a session is to prove.
type Proof struct {
	Key    creds.AccessKey // that signs; zero: the stored one
	Serial string          // of the device, whose seed is stored
}

// LastDevice is the only MFA device that a user has, or may be.
type LastDevice struct {
	User   string
	Serial string
	Sure   bool // false if AWS does not say whether there are others
}
