package cli

import (
	"context"
	"fmt"
	"strings"

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
		Example: `  aws-mfa-creds store list
  aws-mfa-creds store move --profile work --to age`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStoreListCommand(a), newStoreMoveCommand(a), newStoreProtectCommand(a))
	return cmd
}

type moveOptions struct {
	profile   string
	to        string
	key, seed bool // only this one
}

func newStoreMoveCommand(a *app) *cobra.Command {
	var o moveOptions
	cmd := &cobra.Command{
		Use:   "move [NAME] --to STORE",
		Short: "Move the access key and seed of a profile to another store",
		Long: `Move the access key and the seed, or one of them, to another store. They are stored there and read
back, then the settings change, and only then are they deleted from the old store. If this is
interrupted, run it again.`,
		Example: `  aws-mfa-creds store move --profile work --to secret-service`,
		RunE:    a.interactive(func(ctx context.Context) error { return runStoreMove(ctx, a, o) }),
	}
	profileFlag(cmd, &o.profile)
	cmd.Flags().StringVar(&o.to, "to", "", "`STORE` to move them to")
	cmd.Flags().BoolVar(&o.key, "key", false, "move only the access key")
	cmd.Flags().BoolVar(&o.seed, "seed", false, "move only the seed")
	cmd.Flags().BoolVar(&a.ask.yes, "yes", false, "do not ask before replacing another secret, or moving a seed to a store that may lose it")
	cmd.MarkFlagsMutuallyExclusive("key", "seed")
	return cmd
}

func runStoreMove(ctx context.Context, a *app, o moveOptions) error {
	if o.to == "" {
		return fault.New(fault.Usage, "store move", moveTo(o.profile, keystore.KindAge), "--to is missing")
	}
	files, owner, err := a.ownerBefore(o.profile, changes{stores: []string{o.to}})
	if err != nil {
		return err
	}
	if owner != o.profile {
		return fault.New(fault.NoSecret, "profile "+o.profile, moveTo(owner, o.to), "it uses the access key and MFA device of profile %s", owner)
	}
	own, _, err := edit.ReadOwn(files, o.profile)
	if err != nil {
		return err
	}
	if o.to == ring.Keyctl && !o.key {
		if err := a.ask.confirm(ctx, "The kernel's keyring loses the seed after 24 hours or a restart, and without another copy the device cannot generate codes any more. Move it?"); err != nil {
			return err
		}
	}
	m := move{app: a, profile: o.profile, to: o.to}
	if !o.seed {
		m.what, m.owner, m.names, m.from = "access key", "profile "+fault.Printable(o.profile), []string{keystore.KeyName(o.profile)}, own.WhereKey()
		m.record = func(own *edit.Own) { own.SetStores(o.to, "") }
		if err := m.run(ctx); err != nil {
			return err
		}
	}
	if o.key || own.MFAProcess != "" {
		return nil
	}
	m.what, m.owner, m.names, m.from = "seed", strings.Join(own.Devices(), ", "), nil, own.WhereSeed()
	m.record = func(own *edit.Own) { own.SetStores("", o.to) }
	for _, serial := range own.Devices() {
		m.names = append(m.names, keystore.SeedName(serial))
		m.sharing = append(m.sharing, othersThan(o.profile, edit.Sharing(files, serial))...)
	}
	return m.run(ctx)
}

// moveTo is the remedy that moves the secrets of a profile to a store.
func moveTo(name, store string) string {
	return "run: " + program + " store move --profile " + fault.Shell(name) + " --to " + fault.Shell(store)
}

// move is the way of a profile's secret to another store. Seeds of a pool go together: a profile has one store for them.
type move struct {
	*app
	profile, to string
	what, owner string   // the secret, for a person
	names       []string // the items
	from        string   // their store
	sharing     []string // the other profiles that have it
	record      func(*edit.Own)
}

// recorded has all profiles that have the secret look for it in its new store.
func (m *move) recorded(ctx context.Context) error {
	for _, name := range append([]string{m.profile}, m.sharing...) {
		if err := m.update(ctx, name, m.record); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere makes the remedy of a store that cannot be used one for a move.
func (m *move) elsewhere(err error) error {
	return withRemedy(err, strings.ReplaceAll(fault.Remedy(err), ring.OtherStore, "give another store with --to"))
}

// run stores the secret in its new store, records that, and only then deletes it from the old one.
func (m *move) run(ctx context.Context) error {
	if m.from == "" || m.from == keystore.KindEnv {
		return fault.New(fault.NoSecret, "profile "+m.profile, "run: "+program+" add --profile NAME", "no store has its %s", m.what)
	}
	source, err := m.items(m.from, &m.ask)
	if err != nil {
		return err
	}
	target, err := m.items(m.to, &m.ask)
	if err != nil {
		return err
	}
	if m.from == m.to {
		return m.finish(ctx, target)
	}
	for _, name := range m.names {
		if err := m.mayReplace(ctx, name, source, target); err != nil {
			return m.elsewhere(err)
		}
	}
	for _, name := range m.names {
		if err := source.Copy(ctx, name, target); err != nil {
			return m.elsewhere(err)
		}
	}
	if err := m.recorded(ctx); err != nil {
		return err
	}
	for _, name := range m.names {
		if err := source.Store.Delete(ctx, name); err != nil {
			return err
		}
	}
	m.say("Moved the %s of %s from %s to %s.", m.what, m.owner, m.from, m.to)
	return nil
}

// mayReplace asks before another secret of the same name in the target is lost.
func (m *move) mayReplace(ctx context.Context, name string, source, target keystore.Items) error {
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
	return m.ask.confirm(ctx, fmt.Sprintf("The %s store has a different %s for profile %s. Replace it?", m.to, m.what, fault.Printable(m.profile)))
}

// finish ends a move that was interrupted: the secret is already in the target, and its copies in other
// stores of this computer are deleted, once no profile looks there for them. A store that cannot be used
// now is skipped.
func (m *move) finish(ctx context.Context, target keystore.Items) error {
	m.say("The %s of profile %s is already in the %s store.", m.what, fault.Printable(m.profile), m.to)
	for _, name := range m.names {
		if kept, err := target.Store.Get(ctx, name); err == nil { // or there is nothing to compare with
			if err := m.deleteCopies(ctx, name, kept); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteCopies deletes an item from the stores that it is not kept in.
func (m *move) deleteCopies(ctx context.Context, name string, kept creds.Secret) error {
	for _, kind := range keystore.Kinds() {
		if kind == m.to {
			continue
		}
		old, usable := m.usable(ctx, kind)
		if !usable {
			continue
		}
		if stored, err := old.Store.Get(ctx, name); err != nil || !stored.Equal(kept) {
			continue
		}
		if err := m.recorded(ctx); err != nil {
			return err
		}
		if err := old.Store.Delete(ctx, name); err != nil {
			return err
		}
		m.say("Deleted the old copy of the %s from the %s store.", m.what, kind)
	}
	return nil
}

// usable returns the items of a store, if it can be used without asking anybody.
func (a *app) usable(ctx context.Context, kind string) (items keystore.Items, ok bool) {
	if ok, _ = a.probe(ctx, kind); !ok {
		return items, false
	}
	items, err := a.items(kind, nil)
	return items, err == nil
}

func newStoreListCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the secret stores of this computer and whether they can be used",
		Example: `  aws-mfa-creds store list`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runStoreList(cmd.Context(), a, asJSON) },
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
	if err != nil && fault.KindOf(err) != fault.Store { // one that does not answer is listed so
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
