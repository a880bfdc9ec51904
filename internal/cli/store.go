package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
)

func newStoreCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "List the secret stores, move secrets between them, protect the age store",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStoreListCommand(a), newStoreMoveCommand(a), newStoreProtectCommand(a))
	return cmd
}

type moveOptions struct {
	profile   string
	to        string
	key, seed bool // only this one
	yes       bool
}

func newStoreMoveCommand(a *app) *cobra.Command {
	var o moveOptions
	cmd := &cobra.Command{
		Use:   "move --profile NAME --to STORE",
		Short: "Move the access key and seed of a profile to another store",
		Long: `Move the access key and the seed, or one of them, to another store. They are stored there and read
back, then the settings change, and only then are they deleted from the old store. If this is
interrupted, run it again.`,
		Example: `  aws-mfa-creds store move --profile work --to secret-service`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runStoreMove(cmd.Context(), a, o) },
	}
	profileFlag(a, cmd, &o.profile)
	cmd.Flags().StringVar(&o.to, "to", "", "`STORE` to move them to")
	cmd.Flags().BoolVar(&o.key, "key", false, "move only the access key")
	cmd.Flags().BoolVar(&o.seed, "seed", false, "move only the seed")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask before replacing another secret, or moving a seed to a store that may lose it")
	cmd.MarkFlagsMutuallyExclusive("key", "seed")
	complete(cmd, "to", keystore.Kinds)
	return cmd
}

func runStoreMove(ctx context.Context, a *app, o moveOptions) error {
	a.profile = o.profile
	if o.profile == "" || o.to == "" {
		return fault.New(fault.Usage, "store move", "run: "+program+" store move --profile NAME --to age", "--profile or --to is missing")
	}
	ctx, cancel := untilInterrupted(ctx, personPatience)
	defer cancel()
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	owner, err := owner(files, o.profile)
	if err != nil {
		return err
	}
	if owner != o.profile {
		return fault.New(fault.NoSecret, "profile "+o.profile, "run: "+program+" store move --profile "+fault.Shell(owner)+" --to "+fault.Shell(o.to), "it uses the access key and MFA device of profile %s", owner)
	}
	own, _, err := edit.ReadOwn(files, o.profile)
	if err != nil {
		return err
	}
	ask := a.asker(o.yes)
	defer ask.close()
	if o.to == ring.Keyctl && !o.key {
		if err := ask.confirm(ctx, "The kernel's keyring loses the seed after 24 hours or a restart, and without another copy the device cannot generate codes any more. Move it?"); err != nil {
			return err
		}
	}
	m := move{app: a, profile: o.profile, to: o.to, own: own, ask: ask, sharing: othersThan(o.profile, edit.Sharing(files, own.Serial))}
	if !o.seed {
		if err := m.key(ctx); err != nil {
			return err
		}
	}
	if !o.key {
		return m.seed(ctx)
	}
	return nil
}

// move is one profile's way to another store.
type move struct {
	*app
	profile, to string
	own         edit.Own
	ask         *asker
	sharing     []string // the other profiles with its MFA device
}

// open opens both stores, to move the item name from one to the other.
func (m *move) open(ctx context.Context, what, name, from string) (source, target keystore.Items, err error) {
	if from == "" || from == keystore.KindEnv {
		return source, target, fault.New(fault.NoSecret, "profile "+m.profile, "run: "+program+" add --profile NAME", "no store has its %s", what)
	}
	if source, err = m.items(from, m.ask); err != nil {
		return source, target, err
	}
	if target, err = m.items(m.to, m.ask); err != nil || from == m.to {
		return source, target, err
	}
	return source, target, m.mayReplace(ctx, what, name, source, target)
}

func (m *move) key(ctx context.Context) error {
	from := m.own.WhereKey()
	name := keystore.KeyName(m.profile)
	source, target, err := m.open(ctx, "access key", name, from)
	if err != nil {
		return err
	}
	if from == m.to {
		return m.finish(ctx, "access key", name, target, func() error { return nil })
	}
	key, err := source.AccessKey(ctx, m.profile)
	if err != nil {
		return err
	}
	if err := target.PutAccessKey(ctx, m.profile, key); err != nil {
		return err
	}
	if err := m.record(ctx, m.profile, m.to, ""); err != nil {
		return err
	}
	if err := source.DeleteAccessKey(ctx, m.profile); err != nil {
		return err
	}
	m.say("Moved the access key of profile %s from %s to %s.", fault.Printable(m.profile), from, m.to)
	return nil
}

func (m *move) seed(ctx context.Context) error {
	if m.own.MFAProcess != "" {
		return nil
	}
	from := m.own.WhereSeed()
	name := keystore.SeedName(m.own.Serial)
	source, target, err := m.open(ctx, "seed", name, from)
	if err != nil {
		return err
	}
	if from == m.to {
		return m.finish(ctx, "seed", name, target, func() error { return m.recordSeed(ctx) })
	}
	seed, err := source.Seed(ctx, m.own.Serial)
	if err != nil {
		return err
	}
	if err := target.PutSeed(ctx, m.own.Serial, seed); err != nil {
		return err
	}
	if err := m.recordSeed(ctx); err != nil {
		return err
	}
	if err := source.DeleteSeed(ctx, m.own.Serial); err != nil {
		return err
	}
	m.say("Moved the seed of %s from %s to %s.", m.own.Serial, from, m.to)
	return nil
}

// recordSeed records the new store of the seed in all profiles that have it.
func (m *move) recordSeed(ctx context.Context) error {
	for _, name := range append([]string{m.profile}, m.sharing...) {
		if err := m.record(ctx, name, "", m.to); err != nil {
			return err
		}
	}
	return nil
}

// record writes to profiles.ini where a profile's secrets are now; "" stays as it is.
func (m *move) record(ctx context.Context, name, key, seed string) error {
	_, err := m.editor().Update(ctx, name, func(own *edit.Own) error {
		own.SetStores(key, seed)
		return nil
	})
	return err
}

func newStoreListCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the secret stores of this computer and whether they can be used",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runStoreList(cmd.Context(), a, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listedStore is one store as "store list" shows it. Its JSON is a contract.
type listedStore struct {
	Store   string `json:"store"`
	Usable  bool   `json:"usable"`
	Default bool   `json:"default,omitempty"`
	Status  string `json:"status"`
}

func runStoreList(ctx context.Context, a *app, asJSON bool) error {
	byDefault, err := a.defaultStore(ctx, nil)
	if err != nil {
		return err
	}
	var all []listedStore
	for _, kind := range keystore.Kinds() {
		usable, status := a.probe(ctx, kind)
		all = append(all, listedStore{kind, usable, kind == byDefault, status})
	}
	if asJSON {
		return a.printJSON(all)
	}
	rows := [][]string{{"STORE", "USABLE", "STATUS"}}
	for _, s := range all {
		usable := "no"
		if s.Usable {
			usable = "yes"
		}
		if s.Default {
			usable += " (default)"
		}
		rows = append(rows, []string{s.Store, usable, s.Status})
	}
	return a.print(columns(rows))
}

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
	return m.ask.confirm(ctx, fmt.Sprintf("The %s store has a different %s for profile %s. Replace it?", m.to, what, fault.Printable(m.profile)))
}

// finish ends a move that was interrupted: the item name is in the target already, and its copies in
// other stores of this computer are deleted. settle is called before that: nobody may look there for
// them any more. A store that cannot be used now has none that could be deleted.
func (m *move) finish(ctx context.Context, what, name string, target keystore.Items, settle func() error) error {
	m.say("The %s of profile %s is already in the %s store.", what, fault.Printable(m.profile), m.to)
	kept, err := target.Store.Get(ctx, name)
	if err != nil {
		return nil //nolint:nilerr // there is nothing to compare with, so nothing is deleted
	}
	for _, kind := range keystore.Kinds() {
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
		m.say("Deleted the old copy of the %s from the %s store.", what, kind)
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
