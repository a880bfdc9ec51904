package profile

import (
	"context"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The keys of an access key in clear. The AWS tools of old wrote its session token under
// another name, which botocore still reads.
const (
	keyStaticID     = "aws_access_key_id"
	keyStaticSecret = "aws_secret_access_key" //nolint:gosec // the name of a key
	keyStaticToken  = "aws_session_token"
	keyOldToken     = "aws_security_token"
)

func staticKeys() []string {
	return []string{keyStaticID, keyStaticSecret, keyStaticToken, keyOldToken}
}

// StaticFile is a file of the AWS tools that may hold access keys in clear.
type StaticFile int

// The files, in the order in which the AWS CLI looks into them.
const (
	CredentialsFile StaticFile = iota // ~/.aws/credentials: [NAME]
	ConfigFile                        // ~/.aws/config: [profile NAME]
)

func (s StaticFile) dialect() dialect {
	if s == ConfigFile {
		return awsConfig
	}
	return ownConfig
}

func (p Paths) static(s StaticFile) string {
	if s == ConfigFile {
		return p.AWSConfig
	}
	return p.AWSCredentials
}

// StaticKey is an access key that a file of the AWS tools has in clear. Beside a
// credential process of the same profile it goes first in most SDKs.
type StaticKey struct {
	File      StaticFile
	Place     string          // "path:line" of its id, or of its secret if it has none
	Key       creds.AccessKey // either part may be missing
	Temporary bool            // it has a session token or is of a session: STS gives no session for it
}

// StaticKeys returns the access keys that the files of the AWS tools have for the profile
// name, at most one for each. It fails with a *fault.Error of kind Config or Filesystem for
// a file that cannot be read. No error holds a part of a key.
func (f *Files) StaticKeys(name string) ([]StaticKey, error) {
	data, _, err := read(f.paths.AWSCredentials, false)
	if err != nil {
		return nil, err
	}
	credentials, err := newFile(f.paths.AWSCredentials, ownConfig, data)
	if err != nil {
		return nil, err
	}
	var all []StaticKey
	for source, file := range []*file{CredentialsFile: credentials, ConfigFile: f.aws} {
		key, ok, err := file.staticKey(name)
		if err != nil {
			return nil, err
		}
		if ok {
			key.File = StaticFile(source)
			all = append(all, key)
		}
	}
	return all, nil
}

func (f *file) staticKey(name string) (key StaticKey, ok bool, err error) {
	texts := make(map[string]string)
	for _, k := range staticKeys() {
		n, found := f.last(name, k)
		if !found {
			continue
		}
		if len(n.more) > 0 {
			return StaticKey{}, false, f.fault(n.more[0].offset, "begin the line at the margin", "it is indented, and so a part of the value of %s above it", k)
		}
		texts[k] = value{text: n.value()}.uncommented().text
		if key.Place == "" {
			key.Place = f.place(n.offset)
		}
	}
	key.Key = creds.AccessKey{ID: texts[keyStaticID], Secret: creds.NewSecret(texts[keyStaticSecret])}
	key.Temporary = texts[keyStaticToken] != "" || texts[keyOldToken] != "" || strings.HasPrefix(key.Key.ID, "ASIA")
	return key, key.Key.ID != "" || !key.Key.Secret.IsZero(), nil
}

// RemoveStaticKey deletes the access key of the profile name, in all its parts and however
// often it stands there, from a file of the AWS tools. The other keys of the section and
// all comments stay; a section with no key left goes.
//
// A copy of the file as it was stays beside it, as NAME.aws-mfa-creds-backup, or with a number
// behind if there is one already, unless NoBackup is set. It is private, but it has the key in clear.
func (e Editor) RemoveStaticKey(ctx context.Context, source StaticFile, name string) (Change, error) {
	if name == "" {
		return Change{}, fault.New(fault.Usage, "--profile", "give the name of a profile", "is empty")
	}
	var t *target
	err := e.transact(ctx, func() (_ []*target, err error) {
		if t, err = openTarget(e.Paths.static(source), false); err != nil {
			return nil, err
		}
		t.backup = !e.NoBackup
		return []*target{t}, t.edit(source.dialect(), name, (*edit).removeStaticKey)
	})
	if err != nil {
		return Change{}, err
	}
	return t.change(), nil
}

func (e *edit) removeStaticKey() error {
	before := len(e.file.data)
	for _, key := range staticKeys() {
		if err := e.remove(key); err != nil {
			return err
		}
	}
	if len(e.file.data) == before {
		return nil
	}
	return e.removeIfEmpty()
}
