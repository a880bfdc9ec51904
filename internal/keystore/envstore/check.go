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

// CheckAWSKey is CheckAccessKey for a key that AWS itself has issued. Other makers of STS, such as
// Ceph, have secret access keys of other lengths.
func CheckAWSKey(where string, key creds.AccessKey) error {
	err := CheckAccessKey(where, key)
	if n := len(key.Secret.Reveal()); err == nil && n != SecretLength {
		err = fault.New(fault.Config, where, copySecret, "the secret access key has %d characters, and those of AWS have %d", n, SecretLength)
	}
	return err
}

// The remedies of more than one problem.
const (
	copySecret    = "copy the secret access key again from where the access key was created"
	withoutQuotes = "write it without the quotes: docker --env-file and ~/.aws/credentials keep them"
)

// checkAccessKeyID refuses what cannot be a long-lived access key's id. where says
// where it came from.
func checkAccessKeyID(where, id string) error {
	foreign := creds.Foreign(id)
	switch {
	case creds.Quoted(id):
		return fault.New(fault.Config, where, withoutQuotes, "is in quotes")
	case foreign != "":
		return fault.New(fault.Config, where, "copy it again, as plain text", "is not an access key id: %s", foreign)
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
	foreign := creds.Foreign(secret)
	switch {
	case secret == "":
		return fault.New(fault.Config, where, copySecret, "the secret access key is empty")
	case creds.Quoted(secret):
		return fault.New(fault.Config, where, withoutQuotes, "the secret access key is in quotes")
	case creds.IsAccessKeyID(secret):
		return fault.New(fault.Config, where, copySecret, "holds an access key id, not the secret access key")
	case strings.HasPrefix(secret, "otpauth"):
		return fault.New(fault.Config, where, copySecret, "holds a seed, not the secret access key")
	case foreign != "":
		return fault.New(fault.Config, where, copySecret+", as plain text", "is no secret access key: %s", foreign)
	}
	return nil
}
