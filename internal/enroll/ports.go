package enroll

import (
	"context"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

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

// Seeds is where the seeds of MFA devices rest. Errors are *fault.Error, of kind NoSecret
// where nothing, or nothing of use, is stored.
type Seeds interface {
	Seed(ctx context.Context, serial string) (totp.Seed, error)

	// PutSeed returns nil only when the seed is durable and was read back.
	PutSeed(ctx context.Context, serial string, seed totp.Seed) error

	// DeleteSeed removes a seed. That there is none is no error.
	DeleteSeed(ctx context.Context, serial string) error

	// DeleteCopy removes a seed from the store of that name, where another profile may have it.
	DeleteCopy(ctx context.Context, store, serial string) error
}

// Keys is where the access key of the profile rests, with a second slot for the one that
// is to replace it. Other profiles may share the key: each has a copy, and a slot, of its own.
// Errors are as those of Seeds.
type Keys interface {
	AccessKey(ctx context.Context) (creds.AccessKey, error)

	// Sharing returns the names of the profiles that have a copy of the access key, this one
	// last, once each of their stores has answered.
	Sharing(ctx context.Context) ([]string, error)

	// PutAccessKey puts the key into its place for those of the profiles whose settings name
	// it. It and PutNewKey return nil only when the key is durable and was read back.
	PutAccessKey(ctx context.Context, profiles []string, key creds.AccessKey) error

	NewKey(ctx context.Context) (creds.AccessKey, error)
	PutNewKey(ctx context.Context, profiles []string, key creds.AccessKey) error

	// DeleteNewKey empties the second slots. That one is empty is no error.
	DeleteNewKey(ctx context.Context, profiles []string) error
}

// Settings is what profiles.ini says. Each change is durable when it returns nil, and
// to make it twice is to make it once.
type Settings interface {
	// Serial returns the serial of the profile's MFA device, or "".
	Serial(ctx context.Context) (string, error)

	// SetSerial sets the serial for this profile.
	SetSerial(ctx context.Context, serial string) error

	// ReplaceSerial puts serial in the place of old for every profile that has old, since
	// old is about to end; "" removes it.
	ReplaceSerial(ctx context.Context, old, serial string) error

	// SeedStores returns the names of the stores in which profiles that have the device serial
	// expect its seed.
	SeedStores(ctx context.Context, serial string) ([]string, error)

	// SetAccessKeyID records the id of this profile's access key, and before that puts it in
	// the place of old for those of the profiles that still have old.
	SetAccessKeyID(ctx context.Context, profiles []string, old, id string) error

	// AccessKeyIDs returns the ids of the access keys that any profile names.
	AccessKeyIDs(ctx context.Context) ([]string, error)
}

// Journal is the write-ahead record of the profile. It holds no secret.
type Journal interface {
	// TryLock makes this process the only one to change the profile's device or key.
	TryLock() (unlock func(), held bool, err error)

	// Load returns what is recorded about the subject, or the zero Entry.
	Load(about Subject) (Entry, error)

	// Save and Clear return nil only when the change is durable.
	Save(e Entry) error
	Clear(about Subject) error
}

// Scope is the lock and the books of one MFA device: those that internal/session uses,
// so that no process sends a code that was sent here.
type Scope interface {
	TryLock() (unlock func(), held bool, err error)
	Load() rules.Record
	Save(r rules.Record) error
}
