package enroll

import (
	"context"
	"log/slog"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Local is what this computer keeps of a profile: settings in profiles.ini, access key and seed in
// stores. Errors are *fault.Error, of kind NoSecret where nothing, or nothing of use, is stored.
type Local struct {
	Profile   string // the name of the profile that owns the access key
	SeedStore string // where a new seed goes
	Paths     profile.Paths

	// Resolve returns the settings of a profile as the files have them now.
	Resolve func(name string) (profile.Settings, error)

	// Open opens a store by its name.
	Open func(store string) (keystore.Items, error)

	Log *slog.Logger
}

// Seed returns a seed from the store that new seeds go to.
func (l *Local) Seed(ctx context.Context, serial string) (totp.Seed, error) {
	items, err := l.Open(l.SeedStore)
	if err != nil {
		return totp.Seed{}, err
	}
	return items.Seed(ctx, serial)
}

// PutSeed stores a seed. It returns nil only when the seed is durable and was read back.
func (l *Local) PutSeed(ctx context.Context, serial string, seed totp.Seed) error {
	items, err := l.Open(l.SeedStore)
	if err != nil {
		return err
	}
	return items.PutSeed(ctx, serial, seed)
}

// DeleteSeed removes a seed. That there is none is no error.
func (l *Local) DeleteSeed(ctx context.Context, serial string) error {
	return l.DeleteCopy(ctx, l.SeedStore, serial)
}

// DeleteCopy removes a seed from the store of that name, where another profile may have it.
func (l *Local) DeleteCopy(ctx context.Context, store, serial string) error {
	if store == keystore.KindEnv {
		return nil
	}
	items, err := l.Open(store)
	if err != nil {
		return err
	}
	return items.DeleteSeed(ctx, serial)
}

// AccessKey returns the profile's access key.
func (l *Local) AccessKey(ctx context.Context) (creds.AccessKey, error) {
	items, err := l.keyStore(l.Profile)
	if err != nil {
		return creds.AccessKey{}, err
	}
	return items.AccessKey(ctx, l.Profile)
}

// NewKey returns the access key in the second slot, which is to replace the profile's.
func (l *Local) NewKey(ctx context.Context) (creds.AccessKey, error) {
	items, err := l.keyStore(l.Profile)
	if err != nil {
		return creds.AccessKey{}, err
	}
	return items.NewKey(ctx, l.Profile)
}

// keyStore opens the store of the access key of the profile name.
func (l *Local) keyStore(name string) (keystore.Items, error) {
	settings, err := l.Resolve(name)
	if err != nil {
		return keystore.Items{}, err
	}
	return l.Open(settings.KeyStore)
}

// Sharing returns the names of the profiles that have a copy of the access key, this one last. It
// reads each copy, since a store that is locked or gone would end the rotation half-way.
func (l *Local) Sharing(ctx context.Context) ([]string, error) {
	files, err := profile.Load(l.Paths)
	if err != nil {
		return nil, err
	}
	own, _, err := edit.ReadOwn(files, l.Profile)
	if err != nil {
		return nil, err
	}
	names := []string{l.Profile}
	if own.AccessKeyID != "" {
		names = append(l.others(edit.SharingKey(files, own.AccessKeyID)), l.Profile)
	}
	return names, l.each(names, func(name string, items keystore.Items) error {
		if _, err := items.AccessKey(ctx, name); !missing(err) {
			return err
		}
		return nil // it will have one
	})
}

// PutAccessKey puts the key into its place for those of the profiles whose settings name it. It and
// PutNewKey return nil only when the key is durable and was read back.
func (l *Local) PutAccessKey(ctx context.Context, profiles []string, key creds.AccessKey) error {
	files, err := profile.Load(l.Paths)
	if err != nil {
		return err
	}
	named := edit.SharingKey(files, key.ID)
	return l.each(profiles, func(name string, items keystore.Items) error {
		if name != l.Profile && !slices.Contains(named, name) {
			return nil // it has got another key since
		}
		return items.PutAccessKey(ctx, name, key)
	})
}

// PutNewKey puts the key into the second slots of the profiles.
func (l *Local) PutNewKey(ctx context.Context, profiles []string, key creds.AccessKey) error {
	return l.each(profiles, func(name string, items keystore.Items) error { return items.PutNewKey(ctx, name, key) })
}

// DeleteNewKey empties the second slots. That one is empty is no error.
func (l *Local) DeleteNewKey(ctx context.Context, profiles []string) error {
	return l.each(profiles, func(name string, items keystore.Items) error { return items.DeleteNewKey(ctx, name) })
}

// each does something to the key stores of the profiles, but for those that have been removed, and
// that keep the key in a store no more.
func (l *Local) each(profiles []string, do func(name string, items keystore.Items) error) error {
	files, err := profile.Load(l.Paths)
	if err != nil {
		return err
	}
	for _, name := range profiles {
		own, _, err := edit.ReadOwn(files, name)
		if err != nil {
			return err
		}
		if store := own.WhereKey(); name != l.Profile && (store == "" || store == keystore.KindEnv) {
			continue
		}
		items, err := l.keyStore(name)
		if err != nil {
			return err
		}
		if err := do(name, items); err != nil {
			return err
		}
	}
	return nil
}

// Serial returns the serial of the profile's MFA device, or "".
func (l *Local) Serial(context.Context) (string, error) {
	settings, err := l.Resolve(l.Profile)
	return settings.Serial, err
}

// SetSerial sets the serial for this profile.
func (l *Local) SetSerial(ctx context.Context, serial string) error {
	return l.update(ctx, l.Profile, func(own *edit.Own) {
		own.Serial = serial
		own.SetStores("", l.SeedStore)
	})
}

// ReplaceSerial puts serial in the place of old for every profile that has old, since old is about to
// end; "" removes it. It also records where the new seed is: that of the old one may be in another
// store.
func (l *Local) ReplaceSerial(ctx context.Context, old, serial string) error {
	files, err := profile.Load(l.Paths)
	if err != nil {
		return err
	}
	for _, name := range edit.Sharing(files, old) {
		err := l.update(ctx, name, func(own *edit.Own) {
			own.Serial = serial
			if serial != "" {
				own.SetStores("", l.SeedStore)
			}
		})
		if err != nil {
			return err
		}
	}
	if serial == "" {
		return nil
	}
	return l.SetSerial(ctx, serial)
}

// SeedStores returns the names of the stores in which profiles that have the device serial expect its
// seed.
func (l *Local) SeedStores(_ context.Context, serial string) (stores []string, err error) {
	files, err := profile.Load(l.Paths)
	if err != nil {
		return nil, err
	}
	for _, name := range edit.Sharing(files, serial) {
		own, _, err := edit.ReadOwn(files, name)
		if err != nil {
			return nil, err
		}
		if store := own.WhereSeed(); store != "" && !slices.Contains(stores, store) {
			stores = append(stores, store)
		}
	}
	return stores, nil
}

// SetAccessKeyID records the id of this profile's access key, and before that puts it in the place of
// old for those of the profiles that still have old.
func (l *Local) SetAccessKeyID(ctx context.Context, profiles []string, old, id string) error {
	files, err := profile.Load(l.Paths)
	if err != nil {
		return err
	}
	for _, name := range append(l.others(edit.SharingKey(files, old)), l.Profile) {
		if !slices.Contains(profiles, name) && name != l.Profile {
			continue
		}
		if err := l.update(ctx, name, func(own *edit.Own) { own.AccessKeyID = id }); err != nil {
			return err
		}
	}
	return nil
}

// AccessKeyIDs returns the ids of the access keys that any profile names.
func (l *Local) AccessKeyIDs(context.Context) ([]string, error) {
	files, err := profile.Load(l.Paths)
	if err != nil {
		return nil, err
	}
	return edit.AccessKeyIDs(files), nil
}

func (l *Local) others(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return name == l.Profile })
}

func (l *Local) update(ctx context.Context, name string, change func(*edit.Own)) error {
	_, err := edit.Editor{Paths: l.Paths}.Update(ctx, name, func(own *edit.Own) error {
		change(own)
		return nil
	})
	if err == nil {
		l.Log.Debug("settings written", "profile", fault.Printable(name))
	}
	return err
}
