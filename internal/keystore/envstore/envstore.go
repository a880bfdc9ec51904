// Package envstore is the env store, for CI: one access key and the seeds of its MFA devices in environment
// variables, or in files that variables name.
//
// The warm path reads it, so it imports nothing that Go initializes late (see package warm).
package envstore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Kind is the name of the store in profiles.ini.
const Kind = "env"

// The variables of the env store. Each can be given as NAME_FILE instead, the path
// of a file that holds the value, as container platforms hand out secrets.
const (
	VarAccessKeyID     = "AWS_MFA_CREDS_ACCESS_KEY_ID"
	VarSecretAccessKey = "AWS_MFA_CREDS_SECRET_ACCESS_KEY" //nolint:gosec // the name of a variable, not a secret
	VarSeed            = "AWS_MFA_CREDS_SEED"              // base32 or an otpauth URI; of a pool one for each device
	VarSerial          = "AWS_MFA_CREDS_SERIAL"            // or those of a pool
)

// Variables returns all of them.
func Variables() []string {
	return []string{VarAccessKeyID, VarSecretAccessKey, VarSeed, VarSerial}
}

// Store is the access key and the seed in the environment. They serve every profile and serial.
type Store struct {
	getenv func(string) string
}

// New returns the store in the environment that getenv reads, as os.Getenv does.
func New(getenv func(string) string) Store { return Store{getenv} }

// Configured reports whether any secret of the store is set. If one is, the others
// have to be as well.
func (s Store) Configured() bool {
	return s.Has(VarAccessKeyID) || s.Has(VarSecretAccessKey) || s.Has(VarSeed)
}

// Has reports whether NAME or NAME_FILE is set.
func (s Store) Has(name string) bool { return s.getenv(name) != "" || s.getenv(name+"_FILE") != "" }

// Serial returns the serials of the MFA devices as the environment gives them, not
// validated, or "".
func (s Store) Serial() (string, error) { return s.Value(VarSerial) }

// AccessKeyID returns the access key's id alone, which is not a secret. It may be of any maker of STS.
func (s Store) AccessKeyID() (string, error) {
	id, err := s.required(VarAccessKeyID)
	if err != nil {
		return "", err
	}
	return id, creds.CheckKeyID(VarAccessKeyID, id, false)
}

// AccessKey returns the access key.
func (s Store) AccessKey(context.Context) (creds.AccessKey, error) {
	id, err := s.AccessKeyID()
	if err != nil {
		return creds.AccessKey{}, err
	}
	secret, err := s.required(VarSecretAccessKey)
	if err != nil {
		return creds.AccessKey{}, err
	}
	key := creds.AccessKey{ID: id, Secret: creds.NewSecret(secret)}
	return key, key.Check(VarSecretAccessKey, false)
}

// Seeds returns the seeds of so many MFA devices, in the order of their serials. That of a single one may have
// white space in it, as people copy it.
func (s Store) Seeds(devices int) ([]totp.Seed, error) {
	text, err := s.required(VarSeed)
	if err != nil {
		return nil, err
	}
	words, devices := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), max(1, devices)
	const whole = 64 // characters of a seed of AWS
	if devices == 1 && slices.ContainsFunc(words, func(word string) bool { return len(word) < whole }) {
		words = []string{text}
	}
	if len(words) != devices {
		return nil, fault.New(fault.NoSecret, VarSeed, "give one seed (base32 or otpauth URI) for each, in the order of their serials, with white space between them",
			"the number of seeds is %d, and that of MFA devices %d", len(words), devices)
	}
	seeds := make([]totp.Seed, len(words))
	for i, word := range words {
		seeds[i], err = totp.ParseSeed(word, totp.Policy{})
		if bad, ok := errors.AsType[*totp.SeedError](err); ok {
			return nil, fault.New(fault.NoSecret, VarSeed, bad.Remedy, "%s", bad.Problem)
		} else if err != nil {
			return nil, err
		}
	}
	return seeds, nil
}

func (s Store) required(name string) (string, error) {
	value, err := s.Value(name)
	if err == nil && value == "" {
		err = fault.New(fault.NoSecret, name, "set "+name+" or "+name+"_FILE", "is not set, and the env store needs it")
	}
	return value, err
}

// Value returns what NAME or the file named by NAME_FILE holds, as creds.Text has it, or "" if neither
// is set.
func (s Store) Value(name string) (string, error) {
	direct, path := s.getenv(name), s.getenv(name+"_FILE")
	switch {
	case direct != "" && path != "":
		return "", fault.New(fault.Config, name, "unset one of them", "%s_FILE is set as well", name)
	case path != "":
		return readSecretFile(name+"_FILE", path)
	}
	return creds.Text([]byte(direct)), nil
}

// maxSecretFile is far more than any access key, seed or serial needs, in bytes.
const maxSecretFile = 64 << 10

// readSecretFile returns the content of the file at path, as creds.Text has it. variable, which named
// the file, goes into the errors; the content never does.
// A pipe or device is refused, because it could block for ever.
func readSecretFile(variable, path string) (string, error) {
	f, info, err := securefile.OpenRegular(path)
	switch {
	case errors.Is(err, securefile.ErrNotRegular):
		return "", fault.New(fault.NoSecret, variable, "name a regular file", "%s is %s", path, kindOf(info))
	case errors.Is(err, fs.ErrPermission):
		return "", unreadable(variable, path, err)
	case err != nil:
		// The path is not echoed: it may be the secret itself, in the wrong variable.
		return "", fault.New(fault.NoSecret, variable, "set it to the path of the file that holds the value", "names no file that can be found")
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", unreadable(variable, path, err)
	}
	value := creds.Text(content)
	switch {
	case len(content) > maxSecretFile:
		return "", fault.New(fault.NoSecret, variable, "name the file that holds the value alone", "%s is larger than %d bytes", path, maxSecretFile)
	case value == "":
		return "", fault.New(fault.NoSecret, variable, "write the value into it", "%s is empty", path)
	}
	return value, nil
}

func unreadable(variable, path string, err error) error {
	return fault.New(fault.Filesystem, variable, "make it readable for this user alone: "+fault.Chmod("600", path), "cannot read %s: %s", path, securefile.Reason(err))
}

func kindOf(info fs.FileInfo) string {
	switch {
	case info != nil && info.IsDir():
		return "a directory"
	case info != nil && info.Mode()&fs.ModeNamedPipe != 0:
		return "a pipe"
	default:
		return "a special file"
	}
}
