package creds

import (
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// AccessKey is a long-lived access key of an IAM user.
type AccessKey struct {
	ID     string // "AKIA..." for a user of AWS; not a secret
	Secret Secret // the secret access key
}

// SecretLength is the length of every secret access key that IAM has issued, in characters.
const SecretLength = 40

const (
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

// IsAccessKeyID reports whether s has the form of the ids that IAM gives to users' keys. The
// API would allow more, a seed among it, and an id is shown and sent in clear.
func IsAccessKeyID(s string) bool {
	return strings.HasPrefix(s, "AKIA") && len(s) >= 16 && len(s) <= 32 && strings.Trim(s, upper+digits) == ""
}

// MayBeAccessKeyID reports whether s can be the id of an access key of any maker of STS, such as Ceph and
// MinIO: it fits into a signature, and looks neither like a secret access key nor like a seed.
func MayBeAccessKeyID(s string) bool {
	const longest, shortestSeed = 128, 26 // of 128 bits in base32
	seed := len(s) >= shortestSeed && (strings.Trim(s, upper+"234567") == "" || strings.Trim(s, lower+"234567") == "")
	return IsAccessKeyID(s) || s != "" && len(s) <= longest && len(s) != SecretLength && !seed && strings.Trim(s, upper+lower+digits+"_.@+-") == ""
}

// Check refuses what cannot be a long-lived access key. ofAWS says that AWS itself has issued it: other
// makers of STS have ids and secret access keys of other forms. where says where it came from. The error is
// a *fault.Error of kind Config and shows nothing of the secret.
func (k AccessKey) Check(where string, ofAWS bool) error {
	if err := CheckKeyID(where, k.ID, ofAWS); err != nil {
		return err
	}
	secret := k.Secret.Reveal()
	problem, foreign := "", Foreign(secret)
	switch {
	case secret == "":
		problem = "the secret access key is empty"
	case Quoted(secret):
		return fault.New(fault.Config, where, withoutQuotes, "the secret access key is in quotes")
	case IsAccessKeyID(secret):
		problem = "holds an access key id, not the secret access key"
	case strings.HasPrefix(secret, "otpauth"):
		problem = "holds a seed, not the secret access key"
	case foreign != "":
		problem = "is no secret access key: " + foreign
	case ofAWS && len(secret) != SecretLength:
		return fault.New(fault.Config, where, copySecret, "the secret access key has %d characters, and those of AWS have %d", len(secret), SecretLength)
	default:
		return nil
	}
	return fault.New(fault.Config, where, copySecret, "%s", problem)
}

// The remedies of more than one problem.
const (
	copySecret    = "copy the secret access key again from where the access key was created"
	withoutQuotes = "write it without the quotes: docker --env-file and ~/.aws/credentials keep them"

	// GiveKey is the remedy for what is no id of a long-lived access key of AWS.
	GiveKey = "give the access key of the IAM user, AKIA..."

	// GiveOwnEndpoint is the remedy for one that may be of another maker.
	GiveOwnEndpoint = GiveKey + "; for a key of Ceph or MinIO, set AWS_ENDPOINT_URL_STS or endpoint_url"
)

// CheckKeyID refuses what cannot be the id of a long-lived access key, as Check does. It does not show it:
// it may be a secret in the wrong place.
func CheckKeyID(where, id string, ofAWS bool) error {
	problem, foreign := "", Foreign(id)
	switch {
	case Quoted(id):
		return fault.New(fault.Config, where, withoutQuotes, "is in quotes")
	case foreign != "":
		return fault.New(fault.Config, where, "copy it again, as plain text", "is not an access key id: %s", foreign)
	case strings.HasPrefix(id, "ASIA"):
		problem = "is a temporary access key, and GetSessionToken needs a long-lived one"
	case len(id) == SecretLength:
		problem = "looks like a secret access key, not like its id"
	case !MayBeAccessKeyID(id):
		problem = "is not an access key id"
	case ofAWS && !IsAccessKeyID(id):
		return fault.New(fault.Config, where, GiveOwnEndpoint, "is not an access key id of AWS")
	default:
		return nil
	}
	return fault.New(fault.Config, where, GiveKey, "%s", problem)
}
