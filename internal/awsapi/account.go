package awsapi

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Account makes calls that one key signs, about the account that the key belongs to.
type Account struct {
	client *Client
	key    creds.AccessKey
	token  creds.Secret
}

// Account returns the account of a key. Token is its session token if it is one of a session, and empty
// for a long-lived access key.
func (c *Client) Account(key creds.AccessKey, token creds.Secret) *Account {
	return &Account{client: c, key: key, token: token}
}

// newCall returns a call that the account's key signs for the corrected time.
func (a *Account) newCall(at place, err error, t task) *call {
	t.Key, t.Token = a.key, a.token
	if a.client.options.Skew != nil {
		t.Skew = a.client.options.Skew()
	}
	return a.client.newCall(at, err, t)
}

// iam returns a call to IAM.
func (a *Account) iam(t task) *call {
	at, err := a.client.iam()
	return a.newCall(at, err, t)
}

// ask makes a call, and lets whoever keeps the clock know what the answer says of it.
func ask[Out any](ctx context.Context, a *Account, k *call, operation func() (*Out, error)) (*Out, error) {
	out, err := do(ctx, k, operation)
	if server, local := k.clocks(); !server.IsZero() && a.client.options.Observe != nil {
		a.client.options.Observe(server, local)
	}
	return out, err
}

// Identity is whom a key belongs to.
type Identity struct {
	Account string // twelve digits
	ARN     string // "arn:aws:iam::123456789012:user/team/alice", "...:root"
	ID      string // "AIDA...", "AROA...:session", or for the root user the account
}

// Root reports whether it is the account's root user, for whom no API enables an MFA device.
func (i Identity) Root() bool { return i.resource() == "root" }

// User returns the name of the IAM user, without path, or "" for roles and root.
func (i Identity) User() string {
	path, ok := strings.CutPrefix(i.resource(), "user/")
	if !ok {
		return ""
	}
	return path[strings.LastIndex(path, "/")+1:]
}

// Partition returns "aws", "aws-cn" and so on, or "".
func (i Identity) Partition() string {
	parsed, _ := arn.Parse(i.ARN)
	return parsed.Partition
}

func (i Identity) resource() string {
	parsed, _ := arn.Parse(i.ARN)
	return parsed.Resource
}

// accountOf returns the account of an ARN, or "".
func accountOf(text string) string {
	parsed, _ := arn.Parse(text)
	return parsed.AccountID
}

// Device is an MFA device of the account.
type Device struct {
	Serial  string    // the ARN of a virtual device, or the number of a hardware token
	User    string    // the user it is enabled for; "" if it is not assigned, or if that is root
	Enabled time.Time // zero if it is not assigned
}

// Name returns the name of a virtual device, without path, or "".
func (d Device) Name() string {
	parsed, _ := arn.Parse(d.Serial)
	path, ok := strings.CutPrefix(parsed.Resource, "mfa/")
	if !ok {
		return ""
	}
	return path[strings.LastIndex(path, "/")+1:]
}

// NewDevice is a virtual device that has just been made, and is not enabled. AWS
// shows its seed this once.
type NewDevice struct {
	Serial string
	Seed   totp.Seed
}

// Pair is two token codes of consecutive time steps for a device of a user.
type Pair struct {
	User          string
	Serial        string
	First, Second creds.Secret // six digits each

	// Expires is the corrected time at which the second code's time step ends. A
	// request that could not be written before it is given up unsent: IAM would
	// enable the device and leave it out of sync. Zero: no limit.
	Expires time.Time
}

// Assignment selects virtual devices by whether they are enabled for a user.
type Assignment string

// The selections of ListVirtualMFADevices.
const (
	Any        Assignment = "Any"
	Assigned   Assignment = "Assigned"
	Unassigned Assignment = "Unassigned"
)

// Key is a long-lived access key of a user, without its secret.
type Key struct {
	ID      string
	User    string
	Active  bool
	Created time.Time
}

// NewKey is an access key that has just been made. AWS shows its secret this
// once, and other endpoints may take seconds to know the key.
type NewKey struct {
	creds.AccessKey
	User    string
	Created time.Time
}

// KeyUse is the last use of an access key. AWS's knowledge of it can be hours
// old (IAM API, GetAccessKeyLastUsed).
type KeyUse struct {
	User    string    // whose key it is
	Time    time.Time // zero: never, or not since AWS keeps count
	Service string    // "sts"; "" if never used
	Region  string    // "eu-west-1"; "" if never used
}
