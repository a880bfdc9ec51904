package profile

import (
	"slices"
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
	File  Dialect
}

// Sections returns all sections of the AWS config, in its order. Lines that are no option are left
// out, and so are the values of keys that hold secrets.
func (f *Files) Sections() []Section {
	return f.AWS.sections()
}

func (f *File) sections() []Section {
	var all []Section
	for _, h := range f.Headers() {
		s := Section{Place: f.Place(h.Line), Header: h.Text}
		if h.class == profileSection {
			s.Profile, s.Loose = h.name, h.Loose
		}
		for _, n := range f.Statements(h) {
			o := Option{n.Key(), n.Value(), f.Place(n.Offset), f.dialect}
			if slices.Contains(StaticKeyNames(), o.Key) && o.Key != keyStaticID {
				o.Value = ""
			}
			if o.Key != "" {
				s.Options = append(s.Options, o)
			}
		}
		all = append(all, s)
	}
	return all
}

// Served returns the names of the profiles that this program may be asked for, sorted: all of
// profiles.ini, and those of the AWS tools' files that call it or name an MFA device.
func (f *Files) Served() []string {
	names := f.Own.Names()
	for _, s := range append(f.Sections(), f.Credentials.sections()...) {
		served := func(o Option) bool { return o.Key == KeySerial || Ours(o.Value) }
		if s.Profile != "" && slices.ContainsFunc(s.Options, served) {
			names = append(names, s.Profile)
		}
	}
	return sorted(names)
}

// CredentialProcess returns the command that the files of the AWS tools have the SDKs run for the
// profile name. It is empty if there is none, and never run here.
func (f *Files) CredentialProcess(name string) Option {
	for _, file := range []*File{f.Credentials, f.AWS} {
		if n, ok := file.Last(name, KeyCommand); ok {
			return Option{KeyCommand, n.Value(), file.Place(n.Offset), file.dialect}
		}
	}
	return Option{}
}

// Origins returns the settings by which the files of the AWS tools give the profile name credentials, without values.
func (f *Files) Origins(name string) (all []Option) {
	for _, file := range []*File{f.Credentials, f.AWS} {
		for _, key := range append(originKeys(), KeyRole) {
			if n, ok := file.Last(name, key); ok {
				all = append(all, Option{Key: key, Place: file.Place(n.Offset), File: file.dialect})
			}
		}
	}
	return all
}

// Used returns the names of the profiles that the files of the AWS tools have this program asked for.
func (f *Files) Used() map[string]bool {
	all := make(map[string]bool)
	for _, name := range f.Names() {
		if call, ok := ParseProcess(f.CredentialProcess(name).Value); ok {
			all[call.Profile] = true
		}
	}
	return all
}

// Registered returns the call of get by which the AWS config has the tools get the credentials of the
// profile name: a role, or another profile, may be named there alone. Without such, it is that of get
// for the profile.
func (f *Files) Registered(name string) Call {
	if c, ok := ParseProcess(f.CredentialProcess(name).Value); ok {
		return c
	}
	return Call{Profile: name}
}

// Region returns the region that the files give the profile name itself, as the AWS CLI and the SDKs have it, or "".
func (f *Files) Region(name string) string {
	for _, file := range f.all() {
		s, _ := file.section(name) // what is wrong with it, Resolve says
		if s != nil && file == f.AWS {
			_ = s.include(name)
		}
		if region := s.get(KeyRegion).uncommented(); region.text != "" {
			return region.text
		}
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

// StaticKey is an access key that a file of the AWS tools has in clear. Beside a
// credential process of the same profile it goes first in most SDKs.
type StaticKey struct {
	File      Dialect         // AWSConfig or AWSCredentials
	Place     string          // "path:line" of its id, or of its secret if it has none
	Key       creds.AccessKey // either part may be missing
	Temporary bool            // it has a session token or is of a session: STS gives no session for it
}

// StaticKeys returns the access keys that the files of the AWS tools have for the profile
// name, at most one for each, that of the credentials file first, where the AWS CLI looks first. It fails with a *fault.Error of kind Config for
// one of more than a line. No error holds a part of a key.
func (f *Files) StaticKeys(name string) ([]StaticKey, error) {
	var all []StaticKey
	for _, file := range []*File{f.Credentials, f.AWS} {
		key, ok, err := file.staticKey(name)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, key)
		}
	}
	return all, nil
}

func (f *File) staticKey(name string) (key StaticKey, ok bool, err error) {
	key.File = f.dialect
	texts := make(map[string]string)
	for _, k := range StaticKeyNames() {
		n, found := f.Last(name, k)
		if !found {
			continue
		}
		if err := f.CheckSingle(n); err != nil {
			return StaticKey{}, false, err
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

// Owner returns the call that asks for what the access key and the MFA device behind the profile name
// are used for: the registered one, unless that is of another profile and profiles.ini gives this one an
// identity or a source itself.
func (f *Files) Owner(name string) (Call, error) {
	own, err := f.Own.section(name)
	if c := f.Registered(name); c.Profile == name || !own.identifies() {
		return c, err
	}
	return Call{Profile: name}, err
}
