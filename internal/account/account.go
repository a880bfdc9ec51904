// Package account is the vocabulary of the calls to IAM: what an account holds,
// and why AWS refused. The orchestrators and the clients (internal/iam and
// internal/sts) share it, so that neither has to know the other.
package account

import (
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Identity is whom a key belongs to, as STS GetCallerIdentity tells it. That call
// needs no permission and cannot be denied.
type Identity struct {
	Account string // twelve digits
	ARN     string // "arn:aws:iam::123456789012:user/team/alice", "...:root"
	ID      string // "AIDA...", "AROA...:session", or for the root user the account
}

// Root reports whether it is the account's root user, for whom no API enables an
// MFA device.
func (i Identity) Root() bool { return i.resource() == "root" }

// User returns the name of the IAM user, without path, or "" for roles and root.
func (i Identity) User() string { return userName(i.resource()) }

// Partition returns "aws", "aws-cn" and so on, or "".
func (i Identity) Partition() string {
	parts := strings.SplitN(i.ARN, ":", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}

func (i Identity) resource() string {
	parts := strings.SplitN(i.ARN, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[5]
}

func userName(resource string) string {
	rest, ok := strings.CutPrefix(resource, "user/")
	if !ok {
		return ""
	}
	return rest[strings.LastIndex(rest, "/")+1:]
}

// User is an IAM user, as IAM GetUser tells it.
type User struct {
	Name    string // "" for the root user
	ARN     string
	ID      string // "AIDA..."
	Path    string // "/", "/team/"
	Created time.Time
}

// Device is an MFA device of the account.
type Device struct {
	Serial  string    // the ARN of a virtual device, or the number of a hardware token
	User    string    // the user it is enabled for; "" if it is not assigned, or if that is root
	Enabled time.Time // zero if it is not assigned
}

// Name returns the name of a virtual device, without path, or "".
func (d Device) Name() string {
	_, resource, ok := strings.Cut(d.Serial, ":mfa/")
	if !ok {
		return ""
	}
	return resource[strings.LastIndex(resource, "/")+1:]
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
