package profile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// section is the options of a profile in one file, by key. Their values are as the file has them: an
// inline comment, which the AWS CLI takes as a part of the value, is still there.
type section struct {
	file    *File
	options map[string]value
	notes   []string

	// doubt is a *fault.Error about what the AWS tools pass over here, or do not agree on, and of which
	// the identity may depend; or nil.
	doubt error
}

// section returns the parsed section of a profile, or nil if the file has none. Sections that are
// spelled alike are merged; the later keys win.
func (f *File) section(name string) (*section, error) {
	headers, replaced := f.find(profileSection, name)
	if len(headers) == 0 {
		return nil, nil //nolint:nilnil // that a section is missing is no failure
	}
	s := &section{file: f, options: make(map[string]value)}
	last := headers[len(headers)-1]
	if replaced {
		s.doubt = f.Fault(last.Line, "keep one of them", "the profile has two headers that are spelled differently, and SDKs do not agree which one counts")
	}
	if len(headers) > 1 {
		s.note(last.Line, "repeats a section: the later keys win; the AWS CLI refuses such a file")
	}
	if f.dialect != Plain {
		// The options of [DEFAULT] hold in all sections (configparser.DEFAULTSECT).
		shared, _ := f.find(sharedSection, "")
		headers = append(shared, headers...)
	}
	for _, h := range headers {
		if err := s.read(h); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// include adds to the section of the profile name what the profiles say that it includes, one after the
// other, where nothing nearer says it. What aws-vault passes over, a profile that does not exist, is
// refused: it may have named the role.
func (s *section) include(name string) error {
	seen := []string{name}
	for from := s; from != nil; {
		v := from.get(KeyInclude).uncommented()
		if v.text == "" {
			v = from.get(KeyParent).uncommented()
		}
		if v.text == "" {
			break
		}
		next, err := s.file.section(v.text)
		switch {
		case err != nil:
			return err
		case next == nil:
			return fault.New(fault.Config, v.place(), "correct the name, or delete the line", "%s does not exist in the AWS config", v.quoted())
		case slices.Contains(seen, v.text):
			return fault.New(fault.Config, v.place(), "delete one of the lines", "%s runs in a loop: %s", v.key, strings.Join(append(seen, v.text), " -> "))
		}
		for key, v := range next.options {
			if s.options[key].text == "" && !slices.Contains(originKeys(), key) {
				s.options[key] = v
			}
		}
		seen, from, s.notes = append(seen, v.text), next, append(s.notes, next.notes...)
		s.doubt = cmp.Or(s.doubt, next.doubt)
	}
	return nil
}

func (s *section) note(offset int, text string) {
	s.notes = append(s.notes, s.file.Place(offset)+": "+text)
}

// read adds the options under one header.
func (s *section) read(h Header) error {
	// also what stands behind the closing bracket
	if err := s.file.CheckBytes(h.Line, h.End); err != nil {
		return err
	}
	known := s.file.dialect.keys()
	for _, n := range s.file.Statements(h) {
		key := n.Key()
		if err := s.checkKey(n, key, known); err != nil {
			return err
		}
		if slices.Contains(originKeys(), key) && s.file.dialect != Plain { // others judge their values
			s.options[key] = value{text: n.Value(), key: key, file: s.file, offset: n.Offset}
		}
		if !slices.Contains(known, key) {
			s.doubt = cmp.Or(s.doubt, s.checkUnknown(n, key))
			continue
		}
		if err := s.file.CheckSingle(n); err != nil {
			return err
		}
		if old, ok := s.options[key]; ok && old.offset >= h.Body && old.offset < h.End {
			s.note(n.Offset, "repeats the key "+key+": the last one wins")
		}
		if err := s.add(key, n.Line, "=:"); err != nil {
			return err
		}
	}
	return nil
}

// CheckSingle refuses a statement whose value goes on in the next line.
func (f *File) CheckSingle(n Statement) error {
	if len(n.More) == 0 {
		return nil
	}
	return f.Fault(n.More[0].Offset, "begin the line at the margin", "it is indented, so it belongs to the value of %s above it", n.Key())
}

// checkUnknown refuses a statement that is of no concern to us, except that a role was meant by it, or
// by a line that continues it.
func (s *section) checkUnknown(n Statement, key string) error {
	for _, meant := range []string{KeyRole, KeySource} {
		if edits(key, meant) <= 2 {
			return s.file.Fault(n.Offset, "did you mean "+meant+"?", "unknown key %q", Shorten(key))
		}
		for _, line := range n.More {
			if (Statement{Line: line}).Key() == meant {
				return s.file.CheckSingle(Statement{n.Line, []Line{line}})
			}
		}
	}
	return nil
}

// checkKey refuses lines that would make it a guess what the section says. The text of such a line
// is not echoed: it may be a secret that was pasted.
func (s *section) checkKey(n Statement, key string, known []string) error {
	has := func(part string) bool { return strings.Contains(key, part) }
	switch {
	case n.Text[0] == '[' && !strings.Contains(n.Text, "]"):
		return s.file.notClosed(n.Offset)
	case key == "":
		return s.file.Fault(n.Offset, "write it as KEY = VALUE, or as a comment", "the line is not an option")
	case s.file.dialect != Plain || slices.Contains(known, key):
		return nil
	case has("secret"), has("seed"), has("token"):
		return s.file.Fault(n.Offset, "delete the line; to store it, run: aws-mfa-creds add --profile NAME", "secrets do not belong in this file")
	}
	if near := Nearest(known, key, 1); len(near) > 0 {
		return s.file.Fault(n.Offset, "did you mean "+near[0]+"?", "unknown key %q", Shorten(key))
	}
	// It is like no key there is, so it is not echoed: it may be a secret, pasted as a line.
	return s.file.Fault(n.Offset, "the keys are "+strings.Join(known, ", "), "unknown key")
}

// add keeps the value of a line. It refuses values that cannot be meant, and quotation of whole
// values, which the AWS tools do not know.
func (s *section) add(key string, n Line, delimiters string) error {
	text := n.value(delimiters)
	switch {
	case !utf8.ValidString(text):
		return s.file.Fault(n.Offset, saveUTF8, "the value is not UTF-8")
	case strings.HasPrefix(text, "`"), strings.HasPrefix(text, `"""`):
		return s.file.Fault(n.Offset, "delete the quotation marks", "the value begins with a quotation mark, which the AWS tools take for part of it")
	}
	for _, c := range text {
		if c < ' ' && c != '\t' || c == 0x7f {
			return s.file.Fault(n.Offset, "delete it", "the value has the control character %U", c)
		}
	}
	s.options[key] = value{text: text, key: key, file: s.file, offset: n.Offset}
	return nil
}

// serviceEndpoint returns endpoint_url in the block of a service in a [services NAME] section, or
// nil if there is no such section. Only there is an indented block of meaning to us.
func (f *File) serviceEndpoint(name, service string) (*section, error) {
	headers, _ := f.find(servicesSection, name)
	if len(headers) == 0 {
		return nil, nil //nolint:nilnil // that a section is missing is no failure
	}
	s := &section{file: f, options: make(map[string]value)}
	for _, h := range headers {
		if err := f.CheckBytes(h.Line, h.End); err != nil {
			return nil, err
		}
		for _, n := range f.Statements(h) {
			if n.Key() != service {
				continue
			}
			if err := s.readBlock(n); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// readBlock adds what the lines under a key say. In a block = alone ends a key, and case matters
// (botocore, configloader.py, _parse_nested).
func (s *section) readBlock(n Statement) error {
	if n.Value() != "" {
		return s.file.Fault(n.Offset, "write the settings of "+n.Key()+" indented below it", "%s has a value of its own", n.Key())
	}
	for _, inner := range n.More {
		key, _, ok := strings.Cut(inner.Text, "=")
		if !ok {
			return s.file.Fault(inner.Offset, "write it as KEY = VALUE, or as a comment", "the line is not an option")
		}
		if strings.TrimFunc(key, IsSpace) != KeyEndpoint {
			continue
		}
		if err := s.add(KeyEndpoint, inner, "="); err != nil {
			return err
		}
	}
	return nil
}

// Check refuses a section of the profile name that Resolve would refuse.
func (f *File) Check(name string) error {
	_, err := f.section(name)
	return err
}

// value is one setting and where it is from.
type value struct {
	text   string
	key    string // its key in a file
	source string // the flag or variable it is from; "" if it is from a file
	file   *File
	offset int
}

// place returns the flag, the variable or "path:line".
func (v value) place() string {
	if v.file == nil {
		return v.source
	}
	return v.file.Place(v.offset)
}

// quoted returns the value, after its key if it has one, for a message.
func (v value) quoted() string {
	if v.key == "" {
		return strconv.Quote(Shorten(v.text))
	}
	return v.key + " " + strconv.Quote(Shorten(v.text))
}

// kind returns the class of a failure about the value.
func (v value) kind() fault.Kind {
	if strings.HasPrefix(v.source, "--") {
		return fault.Usage
	}
	return fault.Config
}

// get returns the value of key in the section, whole. An empty one counts as none,
// and so does a section that does not exist.
func (s *section) get(key string) value {
	if s == nil {
		return value{}
	}
	return s.options[key]
}

// Uncommented returns a value without its inline comment, as settings of one word are read.
func Uncommented(text string) string { return value{text: text}.uncommented().text }

// uncommented returns v without its inline comment: from a # or ; behind white space
// on. The AWS CLI takes such as a part of the value, the other SDKs do not; but no value of the
// keys this is used for can hold one, so that nothing the AWS CLI accepts is read otherwise.
func (v value) uncommented() value {
	for i := 1; i < len(v.text); i++ {
		if (v.text[i] == '#' || v.text[i] == ';') && (v.text[i-1] == ' ' || v.text[i-1] == '\t') {
			v.text = strings.TrimRight(v.text[:i], " \t")
			return v
		}
	}
	return v
}

// The keys of both files, as constants. Those of the AWS config that are of no concern to us are
// skipped; in profiles.ini there are no others.
const (
	KeyStore          = "store"         // profiles.ini only
	KeyKeyStore       = "key_store"     // profiles.ini only: where the access key rests, if not in store
	KeySeedStore      = "seed_store"    // profiles.ini only: where the seed rests, if not in store
	KeyRegistered     = "registered"    // profiles.ini only: what register changed in the AWS config
	KeyAccessKeyID    = "access_key_id" // profiles.ini only
	KeyDuration       = "duration"      // profiles.ini only: as "12h"
	KeySharedCache    = "shared_cache"  // profiles.ini only: a URL, or off
	KeySerial         = "mfa_serial"
	KeyProcess        = "mfa_process"
	KeyRole           = "role_arn"
	KeySource         = "source_profile"
	KeyExternalID     = "external_id"
	KeySessionName    = "role_session_name"
	KeySourceIdentity = "source_identity"         // as aws-vault has it, like the next two
	KeyTags           = "session_tags"            // KEY=VALUE,...
	KeyTransitive     = "transitive_session_tags" // KEY,...
	KeySeconds        = "duration_seconds"
	KeyRegion         = "region"
	KeyEndpoint       = "endpoint_url"
	KeyServices       = "services"
	KeyIgnoreEndpoint = "ignore_configured_endpoint_urls"
	KeyFIPS           = "use_fips_endpoint"
	KeyDualStack      = "use_dualstack_endpoint"
	KeyCABundle       = "ca_bundle"

	// KeyInclude names a profile of the AWS config whose settings hold where the section has none, as
	// for aws-vault; KeyParent is its name of old.
	KeyInclude = "include_profile"
	KeyParent  = "parent_profile"

	// KeyRegional is accepted and not looked at: the endpoint is always regional,
	// because tokens of the global one fail in opt-in regions.
	KeyRegional = "sts_regional_endpoints"

	// KeyCommand is what the SDKs run. Its value is shown, never run or relied on, so
	// it is not checked.
	KeyCommand = "credential_process"

	// KeyOutput is the AWS CLI's; register writes it.
	KeyOutput = "output"

	// The blocks of the services in a services section.
	KeySTS = "sts"
	KeyIAM = "iam"
)

// originKeys returns the keys of the AWS tools' files that say where a profile has its credentials
// from, but for role_arn and source_profile.
func originKeys() []string {
	return []string{KeyCommand, "credential_source", "web_identity_token_file", "sso_session", "sso_start_url", "login_session", keyStaticID}
}

// keys returns the keys that a file of this dialect may have and we look at.
func (d Dialect) keys() []string {
	keys := []string{
		KeySerial, KeyProcess, KeyRole, KeySource, KeyExternalID, KeySessionName, KeySeconds, KeyRegion, KeyEndpoint,
		KeyServices, KeyIgnoreEndpoint, KeyFIPS, KeyDualStack, KeyCABundle, KeyRegional, KeySourceIdentity, KeyTags, KeyTransitive,
	}
	if d == Plain {
		return append(keys, KeyStore, KeyKeyStore, KeySeedStore, KeyAccessKeyID, KeyDuration, KeySharedCache, KeyRegistered)
	}
	return append(keys, KeyInclude, KeyParent)
}
