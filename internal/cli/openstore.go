package cli

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
)

// configDir returns the directory of profiles.ini and of all that must not be lost.
func (a *app) configDir() (string, error) {
	paths, err := a.host().Locate()
	if err != nil {
		return "", err
	}
	return paths.ConfigDir()
}

// editor returns what changes profiles.ini and the files of the AWS tools.
func (a *app) editor() edit.Editor {
	paths, _ := a.host().Locate() // whoever edits has loaded the files already
	return edit.Editor{Paths: paths}
}

// update changes what profiles.ini has of a profile.
func (a *app) update(ctx context.Context, name string, change func(*edit.Own)) error {
	_, err := a.editor().Update(ctx, name, change)
	return err
}

// recordSeed writes to profiles.ini which MFA devices a profile has, and the store of their seeds. A single one may be of
// its pool.
func (a *app) recordSeed(ctx context.Context, name, kind string, serials ...string) error {
	return a.update(ctx, name, func(own *edit.Own) {
		if own.Take(serials[0], false); len(serials) > 1 {
			own.Serial = strings.Join(serials, " ")
		}
		own.SetStores("", kind)
	})
}

// storeOptions returns what stores work with. ask is who may be asked to unlock one, or nil.
func (a *app) storeOptions(ask *asker) (keystore.Options, error) {
	dir, err := a.configDir()
	if err != nil {
		return keystore.Options{}, err
	}
	executable, err := os.Executable()
	if err != nil {
		return keystore.Options{}, fault.New(fault.Filesystem, program, "", "its own path cannot be found")
	}
	o := keystore.Options{
		Dir: filepath.Join(dir, "age"), Executable: executable,
		Now: a.now, Patient: !a.getting(),
		Serialize: func(ctx context.Context) (unlock func(), err error) { // the keyrings that refuse simultaneous calls
			cached, err := a.host().OpenCache(noKey())
			if err != nil {
				return nil, err
			}
			return cached.Scope("keyring").Lock(ctx)
		},
	}
	if ask != nil && ask.present() {
		o.Person = ask.terminal
	}
	return o, nil
}

// items opens the store of a kind. ask is who may be asked to unlock it, or nil.
func (a *app) items(kind string, ask *asker) (keystore.Items, error) {
	o, err := a.storeOptions(ask)
	if err != nil {
		return keystore.Items{}, err
	}
	store, err := keystore.Open(kind, o)
	return keystore.Items{Store: store}, err
}

// noKey is for a cache whose sessions are not looked at.
func noKey() cache.KeySource {
	return cache.KeyFunc(func() (cache.Key, error) { return cache.Key{}, cache.ErrNoKey })
}

// defaultStore returns the store to use where no other is named. If it is not the platform's keyring, tell,
// which may be nil, gets the reason.
func (a *app) defaultStore(ctx context.Context, tell func(format string, args ...any)) (string, error) {
	o, err := a.storeOptions(nil)
	if err != nil {
		return "", err
	}
	kind, why, err := keystore.Default(ctx, o)
	if why != "" && tell != nil {
		tell("No keyring is available (%s), so the %s store is used.", why, kind)
	}
	return kind, err
}

// seedStore returns the store for the seed of a new device: the one asked for, or where the profile has its
// secrets, or the default.
func (a *app) seedStore(ctx context.Context, asked string, s profile.Settings, tell func(format string, args ...any)) (string, error) {
	recorded := cmp.Or(s.SeedStore, s.KeyStore)
	if asked == "" && (recorded == "" || recorded == keystore.KindEnv) {
		return a.defaultStore(ctx, tell)
	}
	return cmp.Or(asked, recorded), nil
}

// ageStore opens the age store and says how it is. ask is who may be asked to unlock it, or nil.
func (a *app) ageStore(ctx context.Context, ask *asker) (*agefile.Store, agefile.Status, error) {
	o, err := a.storeOptions(ask)
	if err != nil {
		return nil, agefile.Status{}, err
	}
	store := keystore.Age(o)
	status, err := store.Status(ctx)
	return store, status, err
}

// probe tells in words whether the store of a kind can be used now.
func (a *app) probe(ctx context.Context, kind string) (usable bool, status string) {
	if kind == keystore.KindAge {
		return a.ageStatus(ctx)
	}
	o, err := a.storeOptions(nil)
	if err != nil {
		return false, fault.Text(err)
	}
	if err := keystore.Probe(ctx, kind, o); err != nil {
		return false, fault.Line(err)
	}
	return true, "ready"
}

func (a *app) ageStatus(ctx context.Context) (usable bool, status string) {
	_, s, err := a.ageStore(ctx, nil)
	switch {
	case err != nil:
		return false, fault.Line(err)
	case s.Locked:
		return false, "locked; run: " + program + " unlock"
	case s.Mode == agefile.Passphrase:
		return true, "unlocked until " + fault.Time(s.Until, a.now())
	case s.Mode == agefile.Own:
		return true, "ready, opened with your own keys"
	case s.Mode == agefile.Plain:
		return true, "ready, protected by file permissions"
	}
	return true, "ready, empty"
}

// changes are what a command is about to do. "" and nil: nothing of that.
type changes struct {
	profile string   // that is written to profiles.ini
	region  string   // that it gets
	device  string   // the name of its new MFA device
	stores  []string // that get a secret
	files   []string // of the AWS tools, that are rewritten
}

// ownerBefore is owner for a command that is about to make changes, and looks for what would stop them.
func (a *app) ownerBefore(name string, c changes) (*profile.Files, string, error) {
	files, owner, err := a.owner(name)
	if err != nil {
		return nil, "", err
	}
	c.profile = owner.Profile
	return files, owner.Profile, a.preflight(files, c)
}

// preflight looks for what would stop the changes half-way, before the first of them. It changes nothing.
// The access key and what the AWS config has already are looked at by checkKey and mayRegister.
func (a *app) preflight(files *profile.Files, c changes) error {
	if !slices.Contains(files.Names(), c.profile) { // one that is there is somebody's choice
		if err := profile.CheckName(c.profile); err != nil {
			return err
		}
	}
	if c.region != "" {
		if err := profile.CheckRegion("--region", c.region); err != nil {
			return err
		}
	}
	if c.device != "" {
		if err := enroll.CheckName(c.device); err != nil {
			return err
		}
	}
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	paths := append([]string{a.editor().Paths.Own}, c.files...)
	if slices.Contains(c.stores, keystore.KindAge) {
		paths = append(paths, filepath.Join(dir, "age", "new"))
	}
	for _, path := range paths {
		if err := edit.CheckWritable(path); err != nil {
			return err
		}
	}
	return nil
}
