package profile

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// maxDepth is how many profiles a chain may have behind the one asked for.
const maxDepth = 10

// link is one profile on the way from the one asked for to the identity.
type link struct {
	Call

	// What profiles.ini, the AWS credentials file and the AWS config have of it, the most telling
	// first; nil where it is not.
	sections [3]*section

	role value // the role to assume for it; empty: none
}

// own returns the profile's section in profiles.ini, or nil.
func (l link) own() *section { return l.sections[0] }

// get returns the first value of key, whole.
func (l link) get(key string) value {
	return first(l.sections[:], key)
}

// ownsKey reports whether profiles.ini says that the profile has an access key.
func (l link) ownsKey() bool {
	return l.own().get(KeyStore).text != "" || l.own().get(KeyKeyStore).text != "" || l.own().get(KeyAccessKeyID).text != ""
}

// identifies reports whether a section of profiles.ini gives the profile an identity, or a source.
func (s *section) identifies() bool {
	return slices.ContainsFunc([]string{KeyStore, KeyKeyStore, KeySeedStore, KeyAccessKeyID, KeySerial, KeyProcess, KeySource},
		func(key string) bool { return s.get(key).text != "" })
}

// identify answers the question which identity is meant: whose access key, and which roles on top of
// it. No other code decides that. It finds the chain of profiles from the one asked for to the one that
// owns the access key, as the AWS CLI and the SDKs would, or fails: what it cannot tell for certain is
// an error, and never another identity in its stead.
//
//   - A profile has to be there (link, missing): in profiles.ini, the AWS credentials file or the AWS
//     config. Only where there is none of these files, the access key in the environment is anybody's.
//   - What was meant for the profile, but is not read, is not passed over: a header or a key that is
//     misspelt, a line that is indented, a role_arn without a value.
//   - A profile that register has written is what its line asks for (checkLine).
//   - A role is assumed by its source_profile, as that is called itself: with its role, if it has one.
//   - The access key in the environment does not stand for credentials that the files say come from
//     elsewhere: SSO, another program, another access key (checkOrigin).
//
// A profile that is its own source_profile is an identity with a role on top if it has an access key of
// its own, which AWS tools accept as well; otherwise it is a loop.
func (r *resolution) identify(c Call) error {
	for {
		l, err := r.link(c)
		if err != nil {
			return err
		}
		r.chain = append(r.chain, l)
		source := r.source(l)
		self := source.text == l.Profile && (l.role.text == "" || r.env.Identity || r.env.New != "" || l.ownsKey())
		switch {
		case source.text == "" || self:
			return r.checkOrigin(l, true)
		case l.role.text == "" && r.env.New == "":
			return fault.New(fault.Config, source.place(), "add role_arn for the role that it assumes, or delete source_profile",
				"profile %s has a source_profile and no role_arn", strconv.Quote(Shorten(l.Profile)))
		case l.role.text == "":
			return nil
		case slices.ContainsFunc(r.chain, func(l link) bool { return l.Profile == source.text }):
			return r.loop(source)
		case len(r.chain) > maxDepth:
			return fault.New(fault.Config, source.place(), "shorten the chain", "source_profile goes through more than %d profiles", maxDepth)
		}
		if err := r.checkOrigin(l, false); err != nil {
			return err
		}
		c = r.files.Registered(source.text)
	}
}

// link loads one profile.
func (r *resolution) link(c Call) (l link, err error) {
	l.Call = c
	found := false
	for i, f := range r.files.all() {
		if l.sections[i], err = f.section(c.Profile); err == nil && f == r.files.AWS && l.sections[i] != nil {
			err = l.sections[i].include(c.Profile)
		}
		if err != nil {
			return l, err
		}
		if s := l.sections[i]; s != nil {
			if s.doubt != nil {
				return l, s.doubt
			}
			found = true
			r.notes = append(r.notes, s.notes...)
		}
	}
	if l.sections[2] == nil {
		if err := r.files.AWS.misspelt(c.Profile); err != nil {
			return l, err
		}
	}
	l.role = flag(c.Flags.RoleARN, "--role-arn", l.get(KeyRole).uncommented())
	if !found {
		return l, r.missing(c.Profile)
	}
	for _, key := range []string{KeyRole, KeySource} {
		for _, s := range l.sections {
			if v := s.get(key); v.file != nil && v.text == "" && l.get(key).text == "" {
				return l, fault.New(fault.Config, v.place(), "give it a value, or delete the line", "%s is empty", key)
			}
		}
	}
	return l, r.checkLine(l)
}

// source returns the name of the profile that l takes its credentials from. A # in
// it begins a comment only if no profile is named so.
func (r *resolution) source(l link) value {
	v := l.get(KeySource)
	if plain := v.uncommented(); plain.text != v.text && !slices.ContainsFunc(r.files.all(), func(f *File) bool { return len(f.Find(v.text)) > 0 }) {
		return plain
	}
	return v
}

// checkLine refuses to take a profile for something else than what the line is that register wrote
// for it: the session of another profile, or of a role that is named there alone. Where profiles.ini
// gives the profile an identity, that goes first.
func (r *resolution) checkLine(l link) error {
	line := l.get(KeyCommand)
	registered, ok := ParseProcess(line.text)
	if !ok || r.env.New != "" || r.env.IAM {
		return nil
	}
	what := "--role-arn " + registered.Flags.RoleARN
	switch {
	case registered.Profile != l.Profile && !l.own().identifies():
		what = "--profile " + strconv.Quote(Shorten(registered.Profile))
	case registered.Profile != l.Profile, registered.Flags.RoleARN == "", l.role.text != "" && l.role.text == registered.Flags.RoleARN, l.Flags.RoleARN != "":
		return nil
	}
	return fault.New(fault.Config, line.place(), "run the command that the AWS config has for the profile: "+fault.Conceal(line.text), "profile %s is registered with %s", strconv.Quote(Shorten(l.Profile)), what)
}

// checkOrigin refuses a profile whose credentials, as the files have it, come from elsewhere than the
// access key that is used for it. At the end of a chain, last, it is that of the environment, unless
// profiles.ini names a store.
func (r *resolution) checkOrigin(l link, last bool) error {
	if l.ownsKey() || r.env.New != "" {
		return nil
	}
	for _, key := range originKeys() {
		v := l.get(key)
		switch {
		case v.text == "":
			continue
		case key == KeyCommand:
			if _, ok := ParseProcess(v.text); ok {
				continue
			}
		case key == keyStaticID:
			if !last || !r.env.Identity || Uncommented(v.text) == r.env.AccessKeyID {
				continue
			}
		}
		remedy := "name another source_profile, or run: aws-mfa-creds add --profile " + fault.Shell(l.Profile)
		if r.env.Identity {
			remedy = "to use the access key in the environment for it, write to " + r.files.paths.Own + ": [" + l.Profile + "] store = env"
		}
		return fault.New(fault.Config, v.place(), remedy, "the credentials of profile %s come from elsewhere: %s", strconv.Quote(Shorten(l.Profile)), key)
	}
	return nil
}

func (r *resolution) loop(source value) error {
	var names []string
	for _, l := range r.chain {
		names = append(names, l.Profile)
	}
	chain := strings.Join(append(names, source.text), " -> ")
	if source.text != names[len(names)-1] {
		return fault.New(fault.Config, source.place(), "end the chain in a profile without role_arn", "source_profile runs in a loop: %s", chain)
	}
	return fault.New(fault.Config, source.place(), "delete source_profile, or set AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY and AWS_MFA_CREDS_SEED",
		"source_profile is the profile itself (%s), and no access key is known for it", chain)
}

// missing decides about a profile that no file has.
func (r *resolution) missing(name string) error {
	f := r.files
	if name == r.env.New || r.env.Identity && r.env.New == "" && !r.configured() {
		return nil
	}
	if variable := r.leadsNowhere(); variable != "" && len(f.Names()) == 0 && r.env.Identity {
		return fault.New(fault.Config, variable, "correct it, or to use no such file, set it to "+os.DevNull, "names a file that does not exist, so it is not known what profile %s is", strconv.Quote(Shorten(name)))
	}
	thing := "profile " + strconv.Quote(Shorten(name))
	if n := len(r.chain); n > 0 {
		thing = r.source(r.chain[n-1]).place() + ": source_profile " + strconv.Quote(Shorten(name))
	}
	for _, file := range f.all() {
		for _, h := range file.Headers() {
			if h.class == profileSection && strings.EqualFold(h.name, name) {
				thing = file.Place(h.Line) + ": " + thing
			}
		}
	}
	return fault.New(fault.Config, thing, r.advice(name), "does not exist in %s", f.searched())
}

// configured reports whether there is a file that could have profiles, or a variable that says so. A
// file that is empty or a link to nowhere counts, since what it had may be lost.
func (r *resolution) configured() bool {
	paths := r.files.paths
	return len(r.files.Own.marks) > 0 || exists(paths.AWSConfig) || exists(paths.AWSCredentials) || r.leadsNowhere() != ""
}

// leadsNowhere returns the variable that names a file of the AWS tools that does not exist, or "".
func (r *resolution) leadsNowhere() string {
	paths := r.files.paths
	for variable, path := range map[string]string{"AWS_CONFIG_FILE": paths.AWSConfig, "AWS_SHARED_CREDENTIALS_FILE": paths.AWSCredentials} {
		if r.env.Getenv(variable) != "" && path != os.DevNull && !exists(path) {
			return variable
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil && path != os.DevNull
}

// misspelt refuses a line that looks as if it were to begin the section of the profile name, and does
// not: what is below it would be passed over.
func (f *File) misspelt(name string) error {
	for at := 0; name != ""; at += len(name) {
		i := strings.Index(f.Data[at:], name)
		if i < 0 {
			break
		}
		at += i
		start := 1 + strings.LastIndexAny(f.Data[:at], "\r\n")
		line := f.Data[start:]
		line = line[:max(0, strings.IndexAny(line+"\n", "\r\n"))]
		if !meant(line, name) {
			continue
		}
		cause := fmt.Sprintf("[%s] is not a profile in the AWS config", name)
		switch {
		case !strings.Contains(line, "]"):
			cause = "the section header has no closing bracket"
		case line[0] != '[':
			cause = "the section header does not begin at the margin, so it may belong to the line above it"
		}
		return f.Fault(start, fmt.Sprintf("did you mean [profile %s]?", name), "%s", cause)
	}
	return nil
}

// meant reports whether a line was meant for the header of the profile name: its bracket is missing,
// something is before it, or it has something else in the place of the word profile.
func meant(line, name string) bool {
	blank := func(r rune) bool {
		return IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r) || strings.ContainsRune("\"'\u2018\u2019\u201c\u201d", r)
	}
	before, text, ok := strings.Cut(line, "[")
	text, _, _ = strings.Cut(text, "]")
	i := strings.LastIndex(text, name)
	if !ok || i < 0 || strings.TrimFunc(before, blank) != "" || strings.TrimFunc(text[i+len(name):], blank) != "" {
		return false
	}
	word := strings.TrimRight(strings.TrimFunc(text[:i], blank), ":=./-")
	return word == "" || word != text[:i] && edits(word, "profile") <= 2
}

// searched names the files that were searched.
func (f *Files) searched() string {
	var places []string
	for _, file := range []*File{f.Own, f.AWS, f.Credentials} {
		if file.Path != "" && (file != f.Credentials || file.Data != "") {
			places = append(places, file.Path)
		}
	}
	if len(places) == 0 {
		return "any file, because HOME is not set"
	}
	return strings.Join(places, " or ")
}

// advice names up to five profiles that are nearly named so, and tells how to make one.
func (r *resolution) advice(name string) string {
	const variables = ", or set AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY, AWS_MFA_CREDS_SEED and AWS_MFA_CREDS_SERIAL"
	near := Nearest(r.files.Names(), name, 5)
	for i := range near {
		near[i] = strconv.Quote(near[i])
	}
	setup := "run: aws-mfa-creds setup --profile " + fault.Shell(name)
	add := "; with an MFA device that exists, run: aws-mfa-creds add --profile " + fault.Shell(name)
	switch {
	case len(near) > 0:
		return "did you mean " + strings.Join(near, ", ") + "? or for a new one " + setup
	case r.env.Identity:
		return "correct the name, or to use the access key in the environment for it, write to " + r.files.paths.AWSConfig + ": [profile " + Shorten(name) + "]"
	case r.configured():
		return setup + add
	}
	return setup + add + variables
}

// Nearest returns up to limit of names that look like a misspelling or another form of want, the
// nearest first.
func Nearest(names []string, want string, limit int) []string {
	near := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !resembles(name, want) })
	slices.SortStableFunc(near, func(a, b string) int { return edits(a, want) - edits(b, want) })
	return near[:min(limit, len(near))]
}

// resembles reports whether name is few edits away from want, for their length, or one contains the
// other.
func resembles(name, want string) bool {
	a, b := folded(name), folded(want)
	contained := min(len(a), len(b)) >= 3 && (strings.Contains(a, b) || strings.Contains(b, a))
	return contained || edits(a, b) <= min(3, max(1, len(b)/2))
}

func folded(name string) string { return Shorten(strings.ToLower(name)) }

// edits is the Levenshtein distance of two strings, in bytes and in lower case.
func edits(a, b string) int {
	a, b = folded(a), folded(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// Shorten caps what is compared and echoed of a text from a file.
func Shorten(text string) string { return text[:min(len(text), 64)] }
