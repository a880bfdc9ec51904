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
	env   Env
	chain []link // from the profile asked for to the identity
	notes []string
}

// Resolve returns the settings of what is asked for. For each the first found wins:
// flags; for the host to ask, the variables of the AWS SDKs; the profile's section in
// profiles.ini; that in the AWS credentials file; that in the AWS config; and then, for what is not
// about the role, the sections of the profiles in its source_profile chain, the nearest first.
// AWS_REGION comes last.
//
// It fails with a *fault.Error: of kind Usage about a flag, of kind Config about
// anything else, such as a profile that does not exist.
func (f *Files) Resolve(c Call, env Env) (Settings, error) {
	r := &resolution{files: f, env: env}
	if c.Profile == "" {
		return Settings{}, CheckName(c.Profile)
	}
	if err := r.identify(c); err != nil {
		return Settings{}, err
	}
	s := Settings{Profile: c.Profile, Identity: r.identity().Profile}
	for _, step := range []func(*Settings) error{r.endpoints, r.key, r.device, r.session, r.roles, r.place} {
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
		all = append(all, l.sections[:]...)
	}
	return all
}

// first returns the first value of key in the chain, whole.
func (r *resolution) first(key string) value { return first(r.sections(), key) }

// first returns the first value that the sections have of key, whole.
func first(sections []*section, key string) value {
	for _, s := range sections {
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
	own := r.identity().own()
	s.Store = own.get(KeyStore).uncommented().text
	s.KeyStore = cmp.Or(own.get(KeyKeyStore).uncommented().text, s.Store)
	s.SeedStore = cmp.Or(own.get(KeySeedStore).uncommented().text, s.Store)
	s.SharedCache = r.first(KeySharedCache).uncommented().text
	id := own.get(KeyAccessKeyID).uncommented()
	if r.env.Identity && inEnv(s.KeyStore) {
		if id.text != "" && r.env.AccessKeyID != "" && id.text != r.env.AccessKeyID {
			return fault.New(fault.Config, id.place(), "delete the line, or set the variables of that access key", "it is another access key than AWS_MFA_CREDS_ACCESS_KEY_ID")
		}
		id = value{text: r.env.AccessKeyID, source: "AWS_MFA_CREDS_ACCESS_KEY_ID"}
	}
	s.AccessKeyID = id.text
	if id.text == "" {
		return nil
	}
	return creds.CheckKeyID(id.place(), id.text, s.OfAWS())
}

// inEnv reports whether what rests in the store kind comes from the environment: if profiles.ini
// does not say otherwise. Secrets that some shell happens to hold must not change whose sessions a
// profile hands out.
func inEnv(kind string) bool { return kind == "" || kind == "env" }

// device finds out the MFA devices. The serial may stand at the role, as the AWS CLI
// wants it, or at the identity. Only our own settings can have a pool: the AWS tools send to AWS what
// theirs have, as it is.
func (r *resolution) device(s *Settings) error {
	var err error
	if s.MFAProcess, err = program(r.ofDevice(KeyProcess)); err != nil {
		return err
	}
	v := r.serial(s.SeedStore)
	if v.text == "" {
		return nil
	}
	if v.file != nil && v.file != r.files.Own {
		s.Serial, err = checkSerial(v)
		return err
	}
	all, err := checkSerials(v)
	if err == nil {
		s.Serial, s.Others = all[0], append(s.Others, all[1:]...)
	}
	return err
}

// ofDevice returns a setting of the MFA device. What profiles.ini says of it, for any profile of the
// chain, goes before what the AWS config says: a role profile there often names the phone, and this
// computer has a device of its own.
func (r *resolution) ofDevice(key string) value {
	var own []*section
	for _, l := range r.chain {
		own = append(own, l.own())
	}
	return first(append(own, r.sections()...), key)
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
		return nil, fault.New(v.kind(), v.place(), "give its absolute path", "%s has a relative path, which depends on the directory of whoever asks", v.key)
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
	if arn, ok := creds.ParseARN(s.Serial); ok {
		all = append(all, located{"MFA device", arn.Partition, r.serial(s.SeedStore)})
	}
	for _, l := range slices.Backward(r.chain) {
		if arn, ok := creds.ParseARN(l.role.text); ok {
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
