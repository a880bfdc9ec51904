package cli

import (
	"context"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
)

// keyItems are the access key of the profile and, while it is rotated, the next one.
type keyItems struct{ c *caretaker }

func (k keyItems) AccessKey(ctx context.Context) (creds.AccessKey, error) {
	items, err := k.itemsOf(k.c.name)
	if err != nil {
		return creds.AccessKey{}, err
	}
	return items.AccessKey(ctx, k.c.name)
}

func (k keyItems) NewKey(ctx context.Context) (creds.AccessKey, error) {
	items, err := k.itemsOf(k.c.name)
	if err != nil {
		return creds.AccessKey{}, err
	}
	return items.NewKey(ctx, k.c.name)
}

// itemsOf opens the store of the access key of the profile name.
func (k keyItems) itemsOf(name string) (keystore.Items, error) {
	w, err := k.c.wireIAM(name)
	if err != nil {
		return keystore.Items{}, err
	}
	return k.c.items(w.settings.KeyStore, k.c.ask)
}

// Sharing reads each copy, since a store that is locked or gone would end the rotation half-way.
func (k keyItems) Sharing(ctx context.Context) ([]string, error) {
	names, err := k.names()
	if err != nil {
		return nil, err
	}
	return names, k.each(names, func(name string, items keystore.Items) error {
		_, err := items.AccessKey(ctx, name)
		if fault.KindOf(err) == fault.NoSecret {
			return nil // it will have one
		}
		return err
	})
}

func (k keyItems) names() ([]string, error) {
	files, err := k.c.loadFiles()
	if err != nil {
		return nil, err
	}
	own, _, err := files.Own(k.c.name)
	if err != nil || own.AccessKeyID == "" {
		return []string{k.c.name}, err
	}
	return append(othersThan(k.c.name, files.SharingKey(own.AccessKeyID)), k.c.name), nil
}

func (k keyItems) PutAccessKey(ctx context.Context, profiles []string, key creds.AccessKey) error {
	files, err := k.c.loadFiles()
	if err != nil {
		return err
	}
	named := files.SharingKey(key.ID)
	return k.each(profiles, func(name string, items keystore.Items) error {
		if name != k.c.name && !slices.Contains(named, name) {
			return nil // it has got another key since
		}
		return items.PutAccessKey(ctx, name, key)
	})
}

func (k keyItems) PutNewKey(ctx context.Context, profiles []string, key creds.AccessKey) error {
	return k.each(profiles, func(name string, items keystore.Items) error { return items.PutNewKey(ctx, name, key) })
}

func (k keyItems) DeleteNewKey(ctx context.Context, profiles []string) error {
	return k.each(profiles, func(name string, items keystore.Items) error { return items.DeleteNewKey(ctx, name) })
}

// each does something to the key stores of the profiles, but for those that have been removed, and
// that keep the key in a store no more.
func (k keyItems) each(profiles []string, do func(name string, items keystore.Items) error) error {
	files, err := k.c.loadFiles()
	if err != nil {
		return err
	}
	for _, name := range profiles {
		own, _, err := files.Own(name)
		if err != nil {
			return err
		}
		if store := keyStoreOf(own); name != k.c.name && (store == "" || store == keystore.KindEnv) {
			continue
		}
		items, err := k.itemsOf(name)
		if err != nil {
			return err
		}
		if err := do(name, items); err != nil {
			return err
		}
	}
	return nil
}
