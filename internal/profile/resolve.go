package profile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// sessionName is the RoleSessionName if none is given. It does not change, because
// the session's name is a part of what it is cached under.
const sessionName = "aws-mfa-creds"

// resolution is the state of one Resolve.
type resolution struct {
	files *Files
	flags Flags
	env   Env
	chain []link // from the profile asked for to the identity
	notes []string
}

// Resolve returns the settings of the profile name. For each the first found wins:
// flags; for the host to ask, the variables of the AWS SDKs; the profile's section in
// profiles.ini; that in the AWS config; and then, for what is not about the role, the sections
// of the profiles in its source_profile chain, the nearest first. AWS_REGION comes last.
//
// It fails with a *fault.Error: of kind Usage about a flag, of kind Config about
// anything else, such as a profile that does not exist.
func (f *Files) Resolve(name string, flags Flags, env Env) (Settings, error) {
	r := &resolution{files: f, flags: flags, env: env}
	if name == "" {
		return Settings{}, fault.New(fault.Usage, "--profile", "give the name of a profile", "is empty")
	}
	if err := r.follow(name); err != nil {
		return Settings{}, err
	}
	s := Settings{Profile: name, Identity: r.identity().name}
	for _, step := range []func(*Settings) error{r.key, r.device, r.session, r.roles, r.place, r.endpoints} {
		if err := step(&s); err != nil {
			return Settings{}, err
		}
	}
	s.Notes = r.notes
	return s, nil
}

func (r *resolution) note(text string) { r.notes = append(r.notes, text) }

func (r *resolution) identity() link { return r.chain[len(r.chain)-1] }

// sections returns all sections of the chain, the most telling first.
func (r *resolution) sections() []*section {
	var all []*section
	for _, l := range r.chain {
		all = append(all, l.own, l.aws)
	}
	return all
}

// first returns the first value of key in the chain, whole.
func (r *resolution) first(key string) value {
	for _, s := range r.sections() {
		if v := s.get(key); v.text != "" {
			return v
		}
	}
	return value{}
}

func (r *resolution) variable(name string) value {
	return value{text: r.env.Getenv(name), source: name}
}

// setting returns the value of a variable, or else that of a key.
func (r *resolution) setting(variable, key string) value {
	if v := r.variable(variable); v.text != "" {
		return v
	}
	return r.first(key)
}

// key finds out which access key the identity has.
func (r *resolution) key(s *Settings) error {
	own := r.identity().own
	s.Store = own.get(KeyStore).uncommented().text
	s.KeyStore = cmp.Or(own.get(KeyKeyStore).uncommented().text, s.Store)
	s.SeedStore = cmp.Or(own.get(KeySeedStore).uncommented().text, s.Store)
	id := own.get(KeyAccessKeyID).uncommented()
	if r.env.Identity && inEnv(s.KeyStore) {
		id = value{text: r.env.AccessKeyID, source: "AWS_MFA_CREDS_ACCESS_KEY_ID"}
	}
	s.AccessKeyID = id.text
	remedy := "the id of an IAM user's access key begins with AKIA"
	switch {
	case id.text == "":
		return nil
	case strings.HasPrefix(id.text, "ASIA"):
		return fault.New(fault.Config, id.place(), remedy, "it is a temporary access key, and GetSessionToken needs a long-lived one")
	case !creds.IsAccessKeyID(id.text):
		// It is not echoed: it may be the secret key or a seed, pasted into the wrong place.
		return fault.New(fault.Config, id.place(), remedy, "it is not the id of an access key")
	}
	return nil
}

// inEnv reports whether what rests in the store kind comes from the environment: if profiles.ini
// does not say otherwise. Secrets that some shell happens to hold must not change whose sessions a
// profile hands out.
func inEnv(kind string) bool { return kind == "" || kind == "env" }

// device finds out the MFA device. Its serial may stand at the role, as the AWS CLI
// wants it, or at the identity.
func (r *resolution) device(s *Settings) error {
	var err error
	if s.MFAProcess, err = program(r.ofDevice(KeyProcess)); err != nil {
		return err
	}
	v := r.serial(s.SeedStore)
	if v.text == "" {
		return nil
	}
	s.Serial, err = checkSerial(v)
	return err
}

// ofDevice returns a setting of the MFA device: what profiles.ini says of the device, for any profile of the chain, goes before
// what the AWS config says: a role profile there often names the phone, and this computer has a
// device of its own.
func (r *resolution) ofDevice(key string) value {
	for _, l := range r.chain {
		if v := l.own.get(key); v.text != "" {
			return v
		}
	}
	return r.first(key)
}

// CheckProgram refuses, with a *fault.Error, a command line that a flag gives and mfa_process cannot have.
func CheckProgram(flag, line string) error {
	_, err := program(value{text: line, key: KeyProcess, source: flag})
	return err
}

// program returns the program and the arguments of a command line, cut as the AWS CLI cuts that of
// a credential process. No error quotes it: a seed may be among the arguments.
func program(v value) ([]string, error) {
	text := v.text
	if windows {
		text = strings.ReplaceAll(text, `\`, `\\`) // there it separates directories, and quotes nothing
	}
	words, ok := SplitWords(text)
	switch {
	case !ok:
		return nil, fault.New(v.kind(), v.place(), "close it", "%s has an open quotation", v.key)
	case len(words) == 0:
		return nil, nil
	case needsShell(v.text, windows) && windows:
		return nil, fault.New(v.kind(), v.place(), "put cmd.exe /C before it", "%s has characters of a shell, but no shell runs it", v.key)
	case needsShell(v.text, windows):
		return nil, fault.New(v.kind(), v.place(), "put it in quotation marks behind /bin/sh -c, as in: mfa_process = /bin/sh -c 'pass otp aws | head -n 1'",
			"%s has characters of a shell (| & ; < > ( ) $ ` ~ # or NAME=VALUE), but no shell runs it", v.key)
	case strings.ContainsAny(words[0], "/\\") && !IsAbs(windows, words[0]):
		return nil, fault.New(v.kind(), v.place(), "write the absolute path of the program", "%s has a relative path, which depends on the directory of whoever asks", v.key)
	}
	return words, nil
}

func (r *resolution) serial(seedStore string) value {
	if r.env.Serial != "" && inEnv(seedStore) {
		return value{text: r.env.Serial, source: "AWS_MFA_CREDS_SERIAL"}
	}
	return r.ofDevice(KeySerial).uncommented()
}

// place finds out the partition and the region.
func (r *resolution) place(s *Settings) error {
	var all []located
	if arn, ok := ParseARN(s.Serial); ok {
		all = append(all, located{"MFA device", arn.Partition, r.serial(s.SeedStore)})
	}
	for _, l := range slices.Backward(r.chain) {
		if arn, ok := ParseARN(l.role.text); ok {
			all = append(all, located{"role", arn.Partition, l.role})
		}
	}
	var err error
	region := r.region()
	if s.Partition, err = r.partition(all, region.text); err != nil {
		return err
	}
	s.Region, err = r.stsRegion(region, s.Partition)
	return err
}

// region returns the region that the files give, or else the variables of the SDKs: a closed network may
// reach no other. It is the consumer's, and of some servers that only look like AWS's ("auto"), so one
// that cannot be AWS's is passed over. It chooses the host to ask, and is no part of what sessions are
// cached under.
func (r *resolution) region() value {
	v := r.first(KeyRegion).uncommented()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if of := r.variable(name); v.text == "" && likeAWS(of.text) {
			v = of
		}
	}
	return v
}

// maxDepth is how many profiles a chain may have behind the one asked for.
const maxDepth = 10

// link is one profile on the way from the one asked for to the identity.
type link struct {
	name string
	own  *section // nil if profiles.ini has none
	aws  *section // nil if the AWS config has none

	role value // the role to assume for it; empty: none
}

// get returns the first value of key, whole: profiles.ini goes before the AWS config.
func (l link) get(key string) value {
	if v := l.own.get(key); v.text != "" {
		return v
	}
	return l.aws.get(key)
}

// ownsKey reports whether profiles.ini says that the profile has an access key.
func (l link) ownsKey() bool {
	return l.own.get(KeyStore).text != "" || l.own.get(KeyKeyStore).text != "" || l.own.get(KeyAccessKeyID).text != ""
}

// follow finds the chain of profiles from name to the identity. A source_profile
// counts only beside a role_arn, as for AWS.
//
// A profile that is its own source_profile is an identity with a role on top if it
// has an access key of its own, which AWS tools accept as well; otherwise it is a loop.
func (r *resolution) follow(name string) error {
	for {
		l, err := r.link(name)
		if err != nil {
			return err
		}
		r.chain = append(r.chain, l)
		source := r.source(l)
		switch {
		case l.role.text == "" || source.text == "":
			return nil
		case source.text == name && (r.env.Identity || l.ownsKey()):
			return nil
		case slices.ContainsFunc(r.chain, func(l link) bool { return l.name == source.text }):
			return r.loop(source)
		case len(r.chain) > maxDepth:
			return fault.New(fault.Config, source.place(), "shorten the chain", "source_profile goes through more than %d profiles", maxDepth)
		}
		name = source.text
	}
}

// link loads one profile.
func (r *resolution) link(name string) (link, error) {
	own, err := r.files.Own.section(name)
	if err != nil {
		return link{}, err
	}
	aws, err := r.files.AWS.section(name)
	if err == nil && aws != nil {
		err = aws.include(name)
	}
	if err != nil {
		return link{}, err
	}
	l := link{name: name, own: own, aws: aws}
	l.role = l.get(KeyRole).uncommented()
	if len(r.chain) == 0 && r.flags.RoleARN != "" {
		l.role = value{text: r.flags.RoleARN, source: "--role-arn"}
	}
	if own == nil && aws == nil {
		return l, r.missing(name)
	}
	r.collect(own, aws)
	return l, nil
}

// collect takes over the notes of the sections.
func (r *resolution) collect(all ...*section) {
	for _, s := range all {
		if s != nil {
			r.notes = append(r.notes, s.notes...)
		}
	}
}

// source returns the name of the profile that l takes its credentials from. A # in
// it begins a comment only if no profile is named so.
func (r *resolution) source(l link) value {
	v := l.get(KeySource)
	if plain := v.uncommented(); plain.text != v.text && !r.files.has(v.text) {
		return plain
	}
	return v
}

func (r *resolution) loop(source value) error {
	var names []string
	for _, l := range r.chain {
		names = append(names, l.name)
	}
	chain := strings.Join(append(names, source.text), " -> ")
	if source.text != names[len(names)-1] {
		return fault.New(fault.Config, source.place(), "end the chain in a profile without role_arn", "source_profile runs in a loop: %s", chain)
	}
	return fault.New(fault.Config, source.place(), "delete source_profile, or set AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY and AWS_MFA_CREDS_SEED",
		"source_profile is the profile itself (%s), and no access key is known for it", chain)
}

// has reports whether either file has the profile.
func (f *Files) has(name string) bool {
	return f.Own.has(name) || f.AWS.has(name)
}
