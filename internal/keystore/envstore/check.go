package envstore

import (
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// SecretLength is the length of every secret access key that IAM has issued, in characters.
const SecretLength = 40

// CheckAccessKey refuses what cannot be a long-lived access key. where says where it came from. The
// error is a *fault.Error of kind Config and shows nothing of the secret.
func CheckAccessKey(where string, key creds.AccessKey) error {
	if err := checkAccessKeyID(where, key.ID); err != nil {
		return err
	}
	return checkSecretAccessKey(where, key.Secret.Reveal())
}

// checkAccessKeyID refuses what cannot be a long-lived access key's id. where says
// where it came from.
func checkAccessKeyID(where, id string) error {
	switch {
	case strings.HasPrefix(id, "ASIA"):
		return fault.New(fault.Config, where, "use the access key of the IAM user, AKIA...",
			"is a temporary access key, and GetSessionToken needs a long-lived one")
	case len(id) == SecretLength:
		return fault.New(fault.Config, where, "the id begins with AKIA", "looks like a secret access key, not like its id")
	case !creds.IsAccessKeyID(id):
		return fault.New(fault.Config, where, "the id begins with AKIA and has 20 characters", "is not an access key id")
	}
	return nil
}

// checkSecretAccessKey refuses what cannot be a secret access key, without echoing
// any of it.
func checkSecretAccessKey(where, secret string) error {
	remedy := "copy it again from where the access key was created"
	switch {
	case creds.IsAccessKeyID(secret):
		return fault.New(fault.Config, where, remedy, "holds an access key id, not the secret access key")
	case strings.HasPrefix(secret, "otpauth:"):
		return fault.New(fault.Config, where, remedy, "holds a seed, not the secret access key")
	case len(secret) < SecretLength:
		return fault.New(fault.Config, where, remedy, "has %d characters, and a secret access key has %d", len(secret), SecretLength)
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fault.New(fault.Config, where, remedy, "holds white space or characters that no secret access key has")
	}
	return nil
}
