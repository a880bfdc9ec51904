package cli

import (
	"context"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// profileSettings is what profiles.ini says of the profile.
type profileSettings struct{ c *caretaker }

func (s profileSettings) Serial(context.Context) (string, error) {
	w, err := s.c.settings()
	if err != nil {
		return "", err
	}
	return w.settings.Serial, nil
}

func (s profileSettings) SetSerial(ctx context.Context, serial string) error {
	return s.update(ctx, s.c.name, func(own *profile.Own) {
		own.Serial = serial
		setStores(own, "", s.c.seeds)
	})
}

// ReplaceSerial also records where the new seed is: that of the old one may be in another store.
func (s profileSettings) ReplaceSerial(ctx context.Context, old, serial string) error {
	files, err := s.c.loadFiles()
	if err != nil {
		return err
	}
	for _, name := range files.Sharing(old) {
		err := s.update(ctx, name, func(own *profile.Own) {
			own.Serial = serial
			if serial != "" {
				setStores(own, "", s.c.seeds)
			}
		})
		if err != nil {
			return err
		}
	}
	if serial == "" {
		return nil
	}
	return s.SetSerial(ctx, serial)
}

func (s profileSettings) SeedStores(_ context.Context, serial string) ([]string, error) {
	files, err := s.c.loadFiles()
	if err != nil {
		return nil, err
	}
	var stores []string
	for _, name := range files.Sharing(serial) {
		own, _, err := files.Own(name)
		if err != nil {
			return nil, err
		}
		if store := seedStoreOf(own); store != "" && !slices.Contains(stores, store) {
			stores = append(stores, store)
		}
	}
	return stores, nil
}

func (s profileSettings) SetAccessKeyID(ctx context.Context, profiles []string, old, id string) error {
	files, err := s.c.loadFiles()
	if err != nil {
		return err
	}
	for _, name := range othersThan(s.c.name, files.SharingKey(old)) {
		if !slices.Contains(profiles, name) {
			continue
		}
		if err := s.update(ctx, name, func(own *profile.Own) { own.AccessKeyID = id }); err != nil {
			return err
		}
	}
	return s.update(ctx, s.c.name, func(own *profile.Own) { own.AccessKeyID = id })
}

func (s profileSettings) AccessKeyIDs(context.Context) ([]string, error) {
	files, err := s.c.loadFiles()
	if err != nil {
		return nil, err
	}
	return files.AccessKeyIDs(), nil
}

func (s profileSettings) update(ctx context.Context, name string, change func(*profile.Own)) error {
	_, err := s.c.editor().Update(ctx, name, func(own *profile.Own) error {
		change(own)
		return nil
	})
	return err
}
