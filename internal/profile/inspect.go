package profile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// Section is one section of the AWS config as it stands there, for those who look for what is
// wrong with it. Resolve tells what it means.
type Section struct {
	Place   string // "path:line" of its header
	Header  string // what is between the brackets
	Profile string // the profile it is about, or ""

	// Loose reports a header that some SDKs take for that of the profile, but the AWS CLI does
	// not: [ profile x ].
	Loose bool

	Options []Option
}

// Option is one key of a section. A key that is repeated is there twice.
type Option struct {
	Key   string // in lower case
	Value string // the first line of it, whole; "" if it may be a secret
	Place string // "path:line"
}

// Sections returns all sections of the AWS config, in its order. Lines that are no option are left
// out, and so are the values of keys that hold secrets.
func (f *Files) Sections() []Section {
	count := lineCount{file: f.aws, line: 1}
	all := make([]Section, 0, len(f.aws.Headers))
	for _, h := range f.aws.Headers {
		s := Section{Place: count.place(h.Line), Header: h.Text}
		if t := parseTitle(h.Text); t.class == profileSection {
			s.Profile, s.Loose = t.name, t.loose
		}
		for _, n := range f.aws.Statements(h) {
			if key := n.Key(); key != "" {
				s.Options = append(s.Options, Option{key, shown(key, n), count.place(n.Offset)})
			}
		}
		all = append(all, s)
	}
	return all
}

// shown returns the value of a statement unless its key says that it is a secret.
func shown(key string, n Statement) string {
	if slices.Contains(StaticKeyNames(), key) && key != keyStaticID {
		return ""
	}
	return n.Value()
}

// lineCount tells the places of offsets that grow. It counts each line once, while File.Place begins
// at the first every time.
type lineCount struct {
	file   *File
	offset int
	line   int
}

func (c *lineCount) place(offset int) string {
	c.line += lineEnds(c.file.Data[c.offset:offset])
	c.offset = offset
	return c.file.Path + ":" + strconv.Itoa(c.line)
}

// OwnNames returns the names of the profiles of profiles.ini, sorted, each once.
func (f *Files) OwnNames() []string {
	names := f.own.names()
	slices.Sort(names)
	return slices.Compact(names)
}

// Served returns the names of the profiles that this program may be asked for, sorted: all of
// profiles.ini, and those of the AWS config that call it or name an MFA device.
func (f *Files) Served() []string {
	names := f.own.names()
	for _, s := range f.Sections() {
		served := func(o Option) bool { return o.Key == KeySerial || Ours(o.Value) }
		if s.Profile != "" && slices.ContainsFunc(s.Options, served) {
			names = append(names, s.Profile)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CredentialProcess returns the command that the AWS config has the SDKs run for the
// profile name, or "". It is never run here.
func (f *Files) CredentialProcess(name string) string {
	if n, ok := f.aws.Last(name, KeyCommand); ok {
		return n.Value()
	}
	return ""
}

// The keys of an access key in clear. The AWS tools of old wrote its session token under
// another name, which botocore still reads.
const (
	keyStaticID     = "aws_access_key_id"
	keyStaticSecret = "aws_secret_access_key" //nolint:gosec // the name of a key
	keyStaticToken  = "aws_session_token"
	keyOldToken     = "aws_security_token"
)

// StaticKeyNames returns the keys of which an access key in clear consists.
func StaticKeyNames() []string {
	return []string{keyStaticID, keyStaticSecret, keyStaticToken, keyOldToken}
}

// StaticFile is a file of the AWS tools that may hold access keys in clear.
type StaticFile int

// The files, in the order in which the AWS CLI looks into them.
const (
	CredentialsFile StaticFile = iota // ~/.aws/credentials: [NAME]
	ConfigFile                        // ~/.aws/config: [profile NAME]
)

// Dialect returns how the file names its profiles.
func (s StaticFile) Dialect() Dialect {
	if s == ConfigFile {
		return AWSConfig
	}
	return Plain
}

// Static returns the path of the file.
func (p Paths) Static(s StaticFile) string {
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
	credentials, err := loadFile(f.paths.AWSCredentials, Plain, false)
	if err != nil {
		return nil, err
	}
	var all []StaticKey
	for source, file := range []*File{CredentialsFile: credentials, ConfigFile: f.aws} {
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

func (f *File) staticKey(name string) (key StaticKey, ok bool, err error) {
	texts := make(map[string]string)
	for _, k := range StaticKeyNames() {
		n, found := f.Last(name, k)
		if !found {
			continue
		}
		if len(n.More) > 0 {
			return StaticKey{}, false, f.Fault(n.More[0].Offset, "begin the line at the margin", "it is indented, so it belongs to the value of %s above it", k)
		}
		texts[k] = Uncommented(n.Value())
		if key.Place == "" {
			key.Place = f.Place(n.Offset)
		}
	}
	key.Key = creds.AccessKey{ID: texts[keyStaticID], Secret: creds.NewSecret(texts[keyStaticSecret])}
	key.Temporary = texts[keyStaticToken] != "" || texts[keyOldToken] != "" || strings.HasPrefix(key.Key.ID, "ASIA")
	return key, key.Key.ID != "" || !key.Key.Secret.IsZero(), nil
}
