package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// diagnosis gathers the facts for one look at this machine.
type diagnosis struct {
	*app
	options doctorOptions

	paths    profile.Paths
	files    *profile.Files // nil if they cannot be read
	sections []doctor.Section
	used     map[string]bool // the profiles on whose access key another one lives

	secretFacts map[string]secretFact    // of a store and an item
	online      map[string]doctor.Online // what AWS answered, of a profile
	past        map[string]doctor.Online // what it answered to an earlier look
	refusals    map[string]bool          // what AWS did not let us see
}

// facts gathers all there is to know.
func (d *diagnosis) facts(ctx context.Context) (doctor.Facts, error) {
	unreadable := d.load()
	paths, err := d.locate()
	if err != nil {
		return doctor.Facts{}, err
	}
	f := doctor.Facts{
		GOOS: runtime.GOOS, Now: d.now(), Env: d.variables(), Stores: keystore.Kinds(), Proxy: awsapi.CheckProxy(d.getenv),
		Unreadable: unreadable, Sealing: d.sealing(),
		Dirs: d.ownDirs(paths.Cache), Files: d.fileModes(), Cache: cacheState(paths.Cache),
	}
	f.Program, _ = programPath("") // where it is not known, nothing is written with it
	if d.files == nil {
		return f, nil
	}
	d.sections = sections(d.files.Sections())
	d.used = d.sources()
	f.Sections, f.Own = d.sections, d.files.OwnNames()
	for _, name := range d.names() {
		if ctx.Err() != nil {
			return f, context.Cause(ctx)
		}
		f.Profiles = append(f.Profiles, d.profile(ctx, name))
	}
	return f, nil
}

// load reads the settings. Without them there are no profiles to look at.
func (d *diagnosis) load() (err error) {
	d.secretFacts, d.online, d.refusals = make(map[string]secretFact), make(map[string]doctor.Online), make(map[string]bool)
	if d.paths, err = d.locate(); err != nil {
		return err
	}
	d.files, err = profile.Load(d.paths)
	return err
}

// names returns the profiles to look at: those that this program may be asked for, and the roles that
// an SDK assumes from one of them.
func (d *diagnosis) names() []string {
	if d.options.profile != "" {
		return []string{d.options.profile}
	}
	names := d.files.Served(program)
	served := make(map[string]bool)
	for _, name := range names {
		served[name] = true
	}
	for _, s := range d.sections {
		if source := valueOf(s, "source_profile"); served[source] && !served[s.Profile] && s.Profile != "" {
			served[s.Profile] = true
			names = append(names, s.Profile)
		}
	}
	return names
}

// variables returns the variables that rules look at. The values of secrets are not taken.
func (d *diagnosis) variables() map[string]string {
	env := make(map[string]string)
	for _, name := range doctor.Variables() {
		value := d.getenv(name)
		if value != "" && doctor.IsSecret(name) {
			value = "set"
		}
		if value != "" {
			env[name] = value
		}
	}
	return env
}

func sections(all []profile.Section) []doctor.Section {
	converted := make([]doctor.Section, 0, len(all))
	for _, s := range all {
		to := doctor.Section{Place: s.Place, Header: s.Header, Profile: s.Profile, Loose: s.Loose}
		for _, o := range s.Options {
			to.Options = append(to.Options, doctor.Option(o))
		}
		converted = append(converted, to)
	}
	return converted
}

func valueOf(s doctor.Section, key string) (value string) {
	for _, o := range s.Options {
		if o.Key == key {
			value = o.Value
		}
	}
	return value
}

// ownDirs returns the state of the directories that are ours.
func (d *diagnosis) ownDirs(cacheDir string) []doctor.Dir {
	settings := directory(d.paths.Own)
	all := []doctor.Dir{{Path: settings, Settings: true}, {Path: below(settings, "age")}, {Path: cacheDir}}
	for i := range all {
		shut := securefile.Open
		if all[i].Settings {
			shut = securefile.Writable
		}
		dir, err := securefile.OpenDir(all[i].Path, shut)
		if fault.KindOf(err) == fault.Permissions {
			all[i].Problem = err
		}
		if err != nil {
			continue
		}
		all[i].Left, _ = dir.Left(d.now().Add(-securefile.Abandoned))
		_ = dir.Close()
	}
	return all
}

// directory returns the directory of a file, or "" if the file has no place.
func directory(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Dir(path)
}

// fileModes returns the modes of the files that matter.
func (d *diagnosis) fileModes() (all []doctor.File) {
	add := func(path string, use doctor.FileUse) {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return
		}
		file := doctor.File{Path: path, Use: use}
		if runtime.GOOS != "windows" { // where access control lists decide, and the mode tells nothing
			file.Mode, file.Foreign = info.Mode().Perm(), use != doctor.AWSFile && !securefile.Owned(info)
		}
		all = append(all, file)
	}
	add(d.paths.AWSConfig, doctor.AWSFile)
	add(d.paths.AWSCredentials, doctor.AWSFile)
	settings := directory(d.paths.Own)
	add(below(settings, "sealing.key"), doctor.SealingKey)
	age := below(settings, "age")
	entries, _ := os.ReadDir(age)
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".age") || name == "identity.txt" {
			add(filepath.Join(age, name), doctor.StoreFile)
		}
	}
	return all
}

// sealing returns why the sealing key of the stored sessions is in a file, if it is.
func (d *diagnosis) sealing() error {
	key := cache.StoredKey{Name: sealingKeyName, Dir: directory(d.paths.Own), Rand: rand.Reader}
	if place, err := key.Place(); place == cache.InFile && runtime.GOOS == "linux" {
		return err
	}
	return nil
}

// cacheState tries the directory of the cache: what it says of itself is not what counts on a
// full disk, or on one that is mounted read-only. Where there is none yet, its parent has to do.
func cacheState(dir string) doctor.Cache {
	state := doctor.Cache{Path: dir}
	existing := dir
	for existing != "" {
		if _, err := os.Stat(existing); err == nil || existing == filepath.Dir(existing) {
			break
		}
		existing = filepath.Dir(existing)
	}
	if existing == "" {
		state.Unusable = fault.New(fault.Filesystem, "HOME", "set HOME, or "+profile.EnvHome, "is not set, so there is no place for the cache")
		return state
	}
	state.Network = networkDisk(existing)
	if err := tryDisk(existing, &state); err != nil {
		state.Unusable = securefile.Fault(existing, err)
	}
	return state
}

// tryDisk writes, locks and removes a file.
func tryDisk(path string, state *doctor.Cache) error {
	dir, err := securefile.OpenAnyDir(path)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	temp, err := dir.Stage(make([]byte, 4096), securefile.Options{}) // which is swept if we are killed
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
