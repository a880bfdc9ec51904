package cli

import (
	"context"
	"fmt"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
)

// mayReplace asks before another secret of the same name in the target is lost.
func (m *move) mayReplace(ctx context.Context, what, name string, source, target keystore.Items) error {
	there, err := target.Store.Get(ctx, name)
	switch {
	case err != nil && fault.KindOf(err) == fault.NoSecret:
		return nil
	case err != nil:
		return err
	}
	ours, err := source.Store.Get(ctx, name)
	if err != nil || ours.Equal(there) {
		return err
	}
	return m.ask.confirm(ctx, fmt.Sprintf("The %s store has another %s for profile %s. Replace it?", m.to, what, fault.Printable(m.profile)))
}

// finish ends a move that was interrupted: the item name is in the target already, and its copies in
// other stores of this computer are deleted. settle is called before that: nobody may look there for
// them any more. A store that cannot be used now has none that could be deleted.
func (m *move) finish(ctx context.Context, what, name string, target keystore.Items, settle func() error) error {
	m.say("The %s of profile %s is in the %s store already.", what, fault.Printable(m.profile), m.to)
	kept, err := target.Store.Get(ctx, name)
	if err != nil {
		return nil //nolint:nilerr // there is nothing to compare with, so nothing is deleted
	}
	for _, kind := range storeKinds() {
		if kind == m.to || !m.hasCopy(ctx, kind, name, kept) {
			continue
		}
		if err := settle(); err != nil {
			return err
		}
		old, err := m.items(kind, nil)
		if err != nil {
			return err
		}
		if err := old.Store.Delete(ctx, name); err != nil {
			return err
		}
		m.say("Deleted the copy of the %s that was left in the %s store.", what, kind)
	}
	return nil
}

// hasCopy reports whether the store of a kind can be used, without asking anybody, and has the secret.
func (m *move) hasCopy(ctx context.Context, kind, name string, secret creds.Secret) bool {
	if usable, _ := m.probe(ctx, kind); !usable {
		return false
	}
	items, err := m.items(kind, nil)
	if err != nil {
		return false
	}
	stored, err := items.Store.Get(ctx, name)
	return err == nil && stored.Equal(secret)
}
