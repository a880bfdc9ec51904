package awsapi

import (
	"context"
	"strings"
	"time"

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

// ask makes a call that the account's key signs for the corrected time, and passes on what the answer
// says about the clock.
func ask[Out any](ctx context.Context, a *Account, service string, t task, operation func(*call) (*Out, error)) (*Out, error) {
	t.Key, t.Token = a.key, a.token
	if skew := a.client.options.Skew; skew != nil {
		t.Skew = skew()
	}
	k := a.client.newCall(ctx, service, t)
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
}

// Root reports whether it is the account's root user, for whom no API enables an MFA device.
func (i Identity) Root() bool { return parse(i.ARN).Resource == "root" }

// User returns the name of the IAM user, without path, or "" for roles and root.
func (i Identity) User() string { return nameOf(i.ARN, "user/") }

// Partition returns "aws", "aws-cn" and so on, or "".
func (i Identity) Partition() string { return parse(i.ARN).Partition }

// AccountOf returns the account of an ARN, or "" for any other text.
func AccountOf(text string) string { return parse(text).Account }

// parse returns the parts of an ARN; those of any other text are empty.
func parse(text string) (arn creds.ARN) {
	arn, _ = creds.ParseARN(text)
	return arn
}

// nameOf returns the name, without path, that stands in an ARN after the type of the resource, or "".
func nameOf(text, resourceType string) string {
	path, ok := strings.CutPrefix(parse(text).Resource, resourceType)
	if !ok {
		return ""
	}
	return path[strings.LastIndex(path, "/")+1:]
}

// Device is an MFA device of the account.
type Device struct {
	Serial string // the ARN of a virtual device, or the number of a hardware token
	User   string // the user it is enabled for; "" if it is not assigned, or if that is root
}

// Name returns the name of a virtual device, without path, or "".
func (d Device) Name() string { return nameOf(d.Serial, "mfa/") }

// NewDevice is a virtual device that has just been made and is not enabled. AWS shows its seed only this
// once.
type NewDevice struct {
	Serial string
	Seed   totp.Seed
}

// Pair is two token codes of consecutive time steps for a device of a user.
type Pair struct {
	User          string
	Serial        string
	First, Second creds.Secret // six digits each

	// Expires is the corrected time at which the second code's time step ends. A request that could
	// not be written before it is not sent: IAM would enable the device and leave it out of sync.
	// Zero: no limit.
	Expires time.Time
}

// Key is a long-lived access key of a user, without its secret.
type Key struct {
	ID      string
	Active  bool
	Created time.Time
}

// KeyUse is the last use of an access key. AWS reports it with a delay of up to hours (IAM API,
// GetAccessKeyLastUsed). Journals store it, with all its fields.
type KeyUse struct {
	User    string    // whose key it is
	Time    time.Time // zero: never, or not since AWS began to track it
	Service string    // "sts"; "" if never used
	Region  string    // "eu-west-1"; "" if never used
}
