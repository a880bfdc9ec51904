package keystore

import (
	"context"
	"errors"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// The variables of the env store. Each can be given as NAME_FILE instead, the path
// of a file that holds the value, as container platforms hand out secrets.
const (
	EnvAccessKeyID     = "AWS_MFA_CREDS_ACCESS_KEY_ID"
	EnvSecretAccessKey = "AWS_MFA_CREDS_SECRET_ACCESS_KEY" //nolint:gosec // the name of a variable, not a secret
	EnvSeed            = "AWS_MFA_CREDS_SEED"              // base32 or an otpauth URI
	EnvSerial          = "AWS_MFA_CREDS_SERIAL"
)

// Env is the env store, for CI: one access key and one seed in the environment,
// which serve every profile and serial.
type Env struct {
	getenv func(string) string
}

// NewEnv returns the store that getenv, os.Getenv in earnest, holds.
func NewEnv(getenv func(string) string) Env { return Env{getenv} }

// Configured reports whether any secret of the store is set. If one is, the others
// have to be as well.
func (e Env) Configured() bool {
	for _, name := range []string{EnvAccessKeyID, EnvSecretAccessKey, EnvSeed} {
		if e.getenv(name) != "" || e.getenv(name+"_FILE") != "" {
			return true
		}
	}
	return false
}

// HasSeed reports whether the seed is set.
func (e Env) HasSeed() bool { return e.getenv(EnvSeed) != "" || e.getenv(EnvSeed+"_FILE") != "" }

// Serial returns the serial of the MFA device as the environment gives it, not
// validated, or "".
func (e Env) Serial() (string, error) { return e.value(EnvSerial) }

// AccessKeyID returns the access key's id alone, which is not a secret.
func (e Env) AccessKeyID() (string, error) {
	id, err := e.required(EnvAccessKeyID)
	if err != nil {
		return "", err
	}
	return id, checkAccessKeyID(EnvAccessKeyID, id)
}

// AccessKey returns the access key.
func (e Env) AccessKey(context.Context) (creds.AccessKey, error) {
	id, err := e.AccessKeyID()
	if err != nil {
		return creds.AccessKey{}, err
	}
	secret, err := e.required(EnvSecretAccessKey)
	if err != nil {
		return creds.AccessKey{}, err
	}
	if err := checkSecretAccessKey(EnvSecretAccessKey, secret); err != nil {
		return creds.AccessKey{}, err
	}
	return creds.AccessKey{ID: id, Secret: creds.NewSecret(secret)}, nil
}

// Seed returns the seed.
func (e Env) Seed(context.Context) (totp.Seed, error) {
	text, err := e.required(EnvSeed)
	if err != nil {
		return totp.Seed{}, err
	}
	seed, err := totp.ParseSeed(text, totp.Policy{})
	if bad, ok := errors.AsType[*totp.SeedError](err); ok {
		return totp.Seed{}, fault.New(fault.NoSecret, EnvSeed, bad.Remedy, "%s", bad.Problem)
	}
	return seed, err
}

func (e Env) required(name string) (string, error) {
	value, err := e.value(name)
	if err == nil && value == "" {
		err = fault.New(fault.NoSecret, name, "set "+name+" or "+name+"_FILE", "is not set, and the env store needs it")
	}
	return value, err
}

// value returns what NAME or the file named by NAME_FILE holds, without the white
// space around it, or "" if neither is set.
func (e Env) value(name string) (string, error) {
	direct, path := e.getenv(name), e.getenv(name+"_FILE")
	switch {
	case direct != "" && path != "":
		return "", fault.New(fault.Config, name, "unset one of them", "%s_FILE is set as well", name)
	case path != "":
		return readSecretFile(name+"_FILE", path)
	}
	return strings.TrimSpace(direct), nil
}
