package enroll

import (
	"context"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
)

// This file is about what the computer keeps: settings in profiles.ini, secrets in stores. Each change
// is durable when it returns nil, and to make it twice is to make it once. Profiles may share a device,
// and may have copies of one access key; each copy has a second slot for the key that is to replace it.

// own returns what profiles.ini says about the profile, and the files.
func (m *Manager) own() (files *profile.Files, own edit.Own, err error) {
	if files, err = profile.Load(m.Paths); err == nil {
		own, _, err = edit.ReadOwn(files, m.Profile)
	}
	return files, own, err
}

// serial returns the serial of the profile's MFA device, or "".
func (m *Manager) serial() (string, error) {
	settings, err := m.Resolve(m.Profile)
	return settings.Serial, err
}

// take makes the device one of this profile's, and records where its seed is.
func (r *run) take(ctx context.Context, serial string) error {
	return r.update(ctx, r.Profile, func(own *edit.Own) {
		own.Take(serial, r.entry.Pool > 0)
		own.SetStores("", r.SeedStore)
	})
}

// replaceSerial puts serial in the place of old for every profile that has old, since old is about to
// be removed, and for this one; "" removes the serial.
func (r *run) replaceSerial(ctx context.Context, old, serial string) error {
	files, err := profile.Load(r.Paths)
	if err != nil {
		return err
	}
	for _, name := range edit.Sharing(files, old) {
		err := r.update(ctx, name, func(own *edit.Own) {
			if own.Replace(old, serial); serial != "" {
				own.SetStores("", r.SeedStore)
			}
		})
		if err != nil {
			return err
		}
	}
	if serial == "" {
		return nil
	}
	return r.take(ctx, serial)
}

// setAccessKeyID records the id of this profile's access key, and before that puts it in the place of
// old for those of the profiles that still have old.
func (m *Manager) setAccessKeyID(ctx context.Context, profiles []string, old, id string) error {
	files, err := profile.Load(m.Paths)
	if err != nil {
		return err
	}
	for _, name := range m.last(edit.SharingKey(files, old)) {
		if name != m.Profile && !slices.Contains(profiles, name) {
			continue
		}
		if err := m.update(ctx, name, func(own *edit.Own) { own.AccessKeyID = id }); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) update(ctx context.Context, name string, change func(*edit.Own)) error {
	_, err := edit.Editor{Paths: m.Paths}.Update(ctx, name, change)
	if err == nil {
		m.Log.Debug("settings written", "profile", fault.Printable(name))
	}
	return err
}

// last returns the names with this profile at the end.
func (m *Manager) last(names []string) []string {
	return append(slices.DeleteFunc(names, func(name string) bool { return name == m.Profile }), m.Profile)
}

// seedStores returns the stores in which profiles that have the device expect its seed.
func (m *Manager) seedStores(serial string) (stores []string, err error) {
	files, err := profile.Load(m.Paths)
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

// keyStore opens the store of the access key of the profile name.
func (m *Manager) keyStore(name string) (keystore.Items, error) {
	settings, err := m.Resolve(name)
	if err != nil {
		return keystore.Items{}, err
	}
	return m.Open(settings.KeyStore)
}

// accessKey returns the profile's access key, and newKey the one in the second slot.
func (m *Manager) accessKey(ctx context.Context) (creds.AccessKey, error) {
	return m.readKey(ctx, keystore.Items.AccessKey)
}

func (m *Manager) newKey(ctx context.Context) (creds.AccessKey, error) {
	return m.readKey(ctx, keystore.Items.NewKey)
}

func (m *Manager) readKey(ctx context.Context, slot func(keystore.Items, context.Context, string) (creds.AccessKey, error)) (creds.AccessKey, error) {
	items, err := m.keyStore(m.Profile)
	if err != nil {
		return creds.AccessKey{}, err
	}
	return slot(items, ctx, m.Profile)
}

// sharing returns the names of the profiles that have a copy of the access key, this one last. It
// reads each copy, since a store that is locked or missing would end the rotation half-way.
func (m *Manager) sharing(ctx context.Context) ([]string, error) {
	files, own, err := m.own()
	if err != nil {
		return nil, err
	}
	names := []string{m.Profile}
	if own.AccessKeyID != "" {
		names = m.last(edit.SharingKey(files, own.AccessKeyID))
	}
	return names, m.each(names, func(name string, items keystore.Items) error {
		if _, err := items.AccessKey(ctx, name); !missing(err) {
			return err
		}
		return nil // the rotation will store one
	})
}

// putAccessKey puts the key into its place for those of the profiles whose settings name it.
func (m *Manager) putAccessKey(ctx context.Context, profiles []string, key creds.AccessKey) error {
	files, err := profile.Load(m.Paths)
	if err != nil {
		return err
	}
	named := edit.SharingKey(files, key.ID)
	return m.each(profiles, func(name string, items keystore.Items) error {
		if name != m.Profile && !slices.Contains(named, name) {
			return nil // it has got another key since
		}
		return items.PutAccessKey(ctx, name, key)
	})
}

func (m *Manager) putNewKey(ctx context.Context, profiles []string, key creds.AccessKey) error {
	return m.each(profiles, func(name string, items keystore.Items) error { return items.PutNewKey(ctx, name, key) })
}

func (m *Manager) deleteNewKey(ctx context.Context, profiles []string) error {
	return m.each(profiles, func(name string, items keystore.Items) error {
		return items.Store.Delete(ctx, keystore.NewKeyName(name))
	})
}

// each opens the key stores of the profiles. It passes over a profile that has been removed, or keeps
// the key in a store no more.
func (m *Manager) each(profiles []string, do func(name string, items keystore.Items) error) error {
	files, err := profile.Load(m.Paths)
	if err != nil {
		return err
	}
	for _, name := range profiles {
		own, _, err := edit.ReadOwn(files, name)
		if err != nil {
			return err
		}
		if store := own.WhereKey(); name != m.Profile && (store == "" || store == keystore.KindEnv) {
			continue
		}
		items, err := m.keyStore(name)
		if err != nil {
			return err
		}
		if err := do(name, items); err != nil {
			return err
		}
	}
	return nil
}
