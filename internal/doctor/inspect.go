package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/warm"
)

// Inspection looks at this machine once. Its exported fields are what to look at, and how.
type Inspection struct {
	Getenv  func(string) string
	Now     func() time.Time
	Paths   profile.Paths
	Files   *profile.Files // nil if they cannot be read, because of Unreadable
	Sealing cache.StoredKey
	Program string // the path of this program, as it is registered
	Home    string // the user's home directory

	Unreadable error

	Profile        string // the only profile to look at; "" for all
	Online, Verify bool   // ask AWS; and mint a session for each profile

	// Open opens a profile as get does.
	Open func(profile.Call) (*Opened, error)

	// Unfinished says what an earlier run of a command has left undone for an identity, and how to finish it;
	// "" if nothing.
	Unfinished func(identity string) string

	// Unlock may have the keychain ask for leave to read the access key of an identity. Nil: nobody
	// can answer.
	Unlock func(ctx context.Context, store, identity string)

	// Answers are what AWS answered for each profile. Those of an earlier look are used again, because
	// a token code is spent once.
	Answers map[string]Online

	used    map[string]bool       // the profiles that tools ask for
	secrets map[string]secretFact // by store and item
	bundles map[string]error      // why a CA bundle cannot be used, or nil
	denied  map[string]bool       // what AWS did not let us see
}

// Opened is a profile as get uses it.
type Opened struct {
	*warm.Profile

	Missing error // what get lacks to ask AWS
	Broker  *session.Broker
	Seed    func(ctx context.Context, serial string) (totp.Seed, error)
	AWS     func() (awsapi.Options, error) // the endpoints of STS and IAM
	Sharing func(ctx context.Context, ask bool) Sharing
}

// Facts gathers all there is to know. It fails only if ctx ends.
func (in *Inspection) Facts(ctx context.Context) (Facts, error) {
	in.secrets, in.bundles, in.denied = make(map[string]secretFact), make(map[string]error), make(map[string]bool)
	f := Facts{
		GOOS: runtime.GOOS, Now: in.Now(), Env: in.variables(), Stores: keystore.Kinds(), Proxy: awsapi.CheckProxy(in.Getenv), Program: in.Program,
		Unreadable: in.Unreadable, Dirs: in.dirs(), Files: in.fileModes(), Cache: CacheState(in.Paths.Cache, cache.Spare(in.Paths.Cache, in.Getenv)),
	}
	if runtime.GOOS == "linux" {
		f.Sealing = in.Sealing.InFile()
	}
	if in.Files == nil {
		return f, nil
	}
	f.Sections, f.Own, in.used = in.Files.Sections(), in.Files.Own.Names(), in.Files.Used()
	for _, name := range in.names(f.Sections) {
		if ctx.Err() != nil {
			return f, context.Cause(ctx)
		}
		f.Profiles = append(f.Profiles, in.profile(ctx, name, f.Sections))
	}
	return f, nil
}

// variables returns the variables that rules look at, without the values of secrets.
func (in *Inspection) variables() map[string]string {
	env := make(map[string]string)
	for _, name := range Variables() {
		value := in.Getenv(name)
		if value != "" && IsSecret(name) {
			value = "set"
		}
		if value != "" {
			env[name] = value
		}
	}
	return env
}

// dirs returns the state of our directories.
func (in *Inspection) dirs() []Dir {
	all := []Dir{{Path: in.below("."), Settings: true}, {Path: in.below("age")}, {Path: in.Paths.Cache}}
	for i := range all {
		shut := securefile.Open
		if all[i].Settings {
			shut = securefile.Writable
		}
		dir, err := securefile.OpenDir(all[i].Path, shut)
		if fault.KindOf(err) == fault.Permissions && (all[i].Path != in.Paths.Cache || !cache.Closed(in.Paths.Cache)) {
			all[i].Problem = err
		}
		if err != nil {
			continue
		}
		all[i].Left, _ = dir.Left(in.Now().Add(-securefile.Abandoned))
		_ = dir.Close()
	}
	return all
}

// below returns the path of name in the directory of profiles.ini, or "" if there is no place for it.
func (in *Inspection) below(name string) string {
	if in.Paths.Own == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(in.Paths.Own), name)
}

// fileModes returns the modes of the files that matter.
func (in *Inspection) fileModes() (all []File) {
	add := func(path string, sealing bool) {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return
		}
		file := File{Path: path, Sealing: sealing}
		if runtime.GOOS != "windows" { // where access control lists decide, and the mode says nothing
			file.Mode = info.Mode().Perm()
			if !securefile.Owned(info) {
				file.Foreign = securefile.Foreign(path, info)
			}
		}
		all = append(all, file)
	}
	add(in.below("sealing.key"), true)
	age := in.below("age")
	entries, _ := os.ReadDir(age)
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".age") || name == "identity.txt" {
			add(filepath.Join(age, name), false)
		}
	}
	return all
}

// CacheState tries the cache directory dir, because a full or read-only disk shows in no mode, and if need
// be its spare places. Where there is no directory yet, the nearest one above it is tried.
func CacheState(dir string, spare []string) Cache {
	state := Cache{Path: dir}
	existing := dir
	for existing != "" {
		if _, err := os.Stat(existing); err == nil || existing == filepath.Dir(existing) {
			break
		}
		existing = filepath.Dir(existing)
	}
	if existing == "" {
		state.Unusable = fault.New(fault.Filesystem, "HOME", "set HOME, or "+profile.EnvHome, "is not set, so there is no place for the cache")
	} else if err := tryDisk(existing, &state); err != nil {
		state.Unusable = securefile.Fault(existing, err)
		if info, err := os.Stat(existing); err == nil && !securefile.Owned(info) {
			state.Unusable = securefile.Foreign(existing, info)
		}
	}
	state.Network = securefile.NetworkDisk(existing)
	for _, place := range spare {
		if state.Unusable != nil && state.Instead == "" && tryDisk(filepath.Dir(place), &Cache{}) == nil {
			state.Instead = place
		}
	}
	return state
}

// Effect says what it means that the cache is unusable.
func (c Cache) Effect() string {
	if c.Instead != "" {
		return "sessions, locks and records are kept in " + c.Instead + " instead, at most until this computer restarts"
	}
	return "nothing is cached: every get asks AWS and spends a token code. Of two in the same half minute one fails and, where the kernel has no keyring (in a container), all fail"
}

// tryDisk writes, locks and removes a file.
func tryDisk(path string, state *Cache) error {
	dir, err := securefile.OpenAnyDir(path)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	temp, err := dir.Stage(make([]byte, 4096), securefile.Options{}) // swept later if this process is killed
	if err != nil {
		return err
	}
	if unlock, held, err := dir.TryLock(temp, securefile.Alone); held {
		unlock()
	} else {
		state.NoLocks = errors.Is(err, errors.ErrUnsupported)
	}
	return dir.Remove(temp)
}

// names returns the profiles to look at: those that this program may be asked for, and the roles that
// an SDK assumes from one of them.
func (in *Inspection) names(sections []profile.Section) []string {
	if in.Profile != "" {
		return []string{in.Profile}
	}
	names := in.Files.Served()
	served := make(map[string]bool)
	for _, name := range names {
		served[name] = true
	}
	for _, s := range sections {
		if served[value(s, profile.KeySource)] && !served[s.Profile] && s.Profile != "" {
			served[s.Profile] = true
			names = append(names, s.Profile)
		}
	}
	return names
}

// profile gathers the facts about one profile.
func (in *Inspection) profile(ctx context.Context, name string, sections []profile.Section) (p Profile) {
	p = Profile{Name: name, Used: in.used[name]}
	defer func() {
		p.Moved = edit.MovedBy(in.Getenv, in.Paths, in.Home, p.KeyStore, p.SeedStore)
		p.OtherHome = edit.OtherHome(p.Command.Line, in.Paths.Own)
	}()
	for _, s := range sections {
		if s.Profile == name {
			p.Sections = append(p.Sections, s)
			p.Serial = value(s, profile.KeySerial)
		}
	}
	asked, role := in.command(&p)
	p.Asked = asked
	own, known, err := edit.ReadOwn(in.Files, name)
	p.InOwn = known
	p.Unfinished = in.Unfinished(p.Name)
	if err == nil && own.Serial != "" {
		p.Serial = own.Serial
	}
	if p.Static, err = in.Files.StaticKeys(name); err != nil || role {
		p.Unusable = err
		return p // an SDK assumes it, from the session of another profile
	}
	opened, err := in.Open(asked)
	if err != nil {
		p.Unusable = err
		return p
	}
	p.Settings = opened.Settings
	// Most profiles have the same, and it may hold hundreds of certificates.
	p.CABundle = look(in.bundles, p.Settings.CABundle, func() error { return awsapi.CheckBundle(p.Settings.CABundle) })
	if p.Unusable = opened.Missing; p.Unusable != nil {
		return p
	}
	in.readSecrets(ctx, &p, opened)
	in.history(&p, opened)
	p.Sharing = opened.Sharing(ctx, in.Online)
	if in.Online && p.Key == nil {
		p.Online = in.ask(ctx, opened, p)
	}
	return p
}

// command gathers what the AWS config has tools run. It returns how they call get, and whether the
// profile is a role for an SDK to assume from another profile of ours.
func (in *Inspection) command(p *Profile) (asked profile.Call, role bool) {
	process := in.Files.CredentialProcess(p.Name)
	line := process.Value
	if !profile.Ours(line) {
		return profile.Call{Profile: p.Name}, line == "" && in.assumedBySDK(p.Sections)
	}
	c := Command{Line: line, Place: process.Place, First: process.File == profile.AWSCredentials}
	var argv []string
	if c.Variables, argv = profile.Assigned(line); len(argv) > 0 {
		c.Program = argv[0]
	}
	c.State, c.Temp = stateOf(c.Program), Temporary(c.Program)
	if asked, c.Accepted = profile.ParseProcess(line); !c.Accepted {
		asked = profile.Call{Profile: p.Name}
	}
	p.Command, p.Register = c, registerCommand(p.Name, asked)
	return asked, false
}

// assumedBySDK reports whether the sections are of a role whose source is a profile that has this program
// as its credential process. What such a profile needs, the source has.
func (in *Inspection) assumedBySDK(sections []profile.Section) bool {
	for _, s := range sections {
		source := value(s, profile.KeySource)
		if value(s, profile.KeyRole) != "" && source != s.Profile && profile.Ours(in.Files.CredentialProcess(source).Value) {
			return true
		}
	}
	return false
}

// registerCommand is the command that makes the same registration.
func registerCommand(name string, asked profile.Call) string {
	line := command("register", name)
	if asked.Profile != name {
		line += " --source-profile " + fault.Shell(asked.Profile)
	}
	return line + asked.Flags.Words()
}

// stateOf returns what is at the path of a program. A relative path depends on who asks.
func stateOf(path string) ProgramState {
	if !filepath.IsAbs(path) {
		return This
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Gone
	case info.IsDir():
		return Directory
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		return NotExecutable
	}
	executable, err := os.Executable()
	if err != nil {
		return This
	}
	if running, err := os.Stat(executable); err == nil && !os.SameFile(info, running) {
		return Another
	}
	return This
}

// Temporary reports whether a program is in a directory that is emptied some day.
func Temporary(path string) bool {
	dir := filepath.Clean(os.TempDir()) + string(os.PathSeparator)
	return strings.HasPrefix(path, dir) || strings.Contains(path, "go-build")
}

// secretFact is what is known of a secret, without the secret.
type secretFact struct {
	err  error
	bits int // of a seed
}

// readSecrets tries to read access key and seed, each once however many profiles share it.
func (in *Inspection) readSecrets(ctx context.Context, p *Profile, o *Opened) {
	s := o.Settings
	p.Key = look(in.secrets, "key "+s.KeyStore+" "+s.Identity+" "+s.AccessKeyID, func() secretFact {
		if in.Unlock != nil {
			in.Unlock(ctx, s.KeyStore, s.Identity)
		}
		_, err := o.Broker.Secrets.AccessKey(ctx)
		return secretFact{err: err}
	}).err
	if o.CodeFromProgram() {
		return
	}
	for _, serial := range s.Devices() {
		seed := look(in.secrets, "seed "+s.SeedStore+" "+serial, func() secretFact {
			seed, err := o.Seed(ctx, serial)
			return secretFact{err, seed.Bits()}
		})
		if p.Seed == nil {
			p.Seed, p.SeedBits = seed.err, seed.bits
		}
	}
}

// look returns the fact of a name, which is found once.
func look[T any](known map[string]T, name string, find func() T) T {
	fact, done := known[name]
	if !done {
		fact = find()
		known[name] = fact
	}
	return fact
}

// history gathers what is known of the sessions and of the clock.
func (in *Inspection) history(p *Profile, o *Opened) {
	p.Sessions, p.Pool = o.Broker.Status(o.Plan), o.Broker.Devices(o.Plan)
	if cached, ok := o.Cached(o.Plan); ok {
		json, _ := cached.ProcessJSON()
		p.Printed = len(json)
		clear(json)
	}
	p.Skew = o.Broker.Clock.LoadClock().SkewAt(in.Now())
}
