package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
)

type protectOptions struct {
	passphrase, none  bool
	recipients        []string
	identity          string
	oldFile, passFile string
}

func newStoreProtectCommand(a *app) *cobra.Command {
	var o protectOptions
	cmd := &cobra.Command{
		Use:   "protect --passphrase | --recipient AGE --identity FILE | --none",
		Short: "Choose what opens the age store: a passphrase, keys of your own, or nothing",
		Long: `Choose what the age store is encrypted to. Everything in it is encrypted anew; an interrupted run is taken up by the next.

--passphrase puts the store's identity under a passphrase: "` + program + ` unlock" makes it usable for some hours.
--recipient and --identity use keys of your own, those of age plugins too: a TPM or a YubiKey can hold the key then.
--none goes back to an identity in a file that only you can read.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runProtect(cmd.Context(), a, o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.passphrase, "passphrase", false, "protect it with a passphrase")
	f.BoolVar(&o.none, "none", false, "protect it with the permissions of its files alone")
	f.StringArrayVar(&o.recipients, "recipient", nil, "encrypt it to this `recipient` (age1..., of a plugin, too); may be given more than once")
	f.StringVar(&o.identity, "identity", "", "the `FILE` with the identities that open it")
	passphraseFlag(cmd, &o.passFile, "passphrase-file")
	passphraseFlag(cmd, &o.oldFile, "old-passphrase-file")
	cmd.MarkFlagsMutuallyExclusive("passphrase", "none", "recipient")
	cmd.MarkFlagsMutuallyExclusive("passphrase", "none", "identity")
	cmd.MarkFlagsOneRequired("passphrase", "none", "recipient")
	cmd.MarkFlagsRequiredTogether("recipient", "identity")
	return cmd
}

func runProtect(ctx context.Context, a *app, o protectOptions) error {
	ctx, cancel := untilInterrupted(ctx, personPatience)
	defer cancel()
	ask := a.asker(false)
	defer ask.close()
	options, err := a.storeOptions(ask)
	if err != nil {
		return err
	}
	store := keystore.Age(options)
	before, err := store.Status(ctx)
	if err != nil {
		return err
	}
	to, err := a.protection(ctx, o, ask)
	if err != nil {
		return err
	}
	if err := a.unlockFor(ctx, store, before, o, ask); err != nil {
		return err
	}
	if err := store.Rekey(ctx, to); err != nil {
		return err
	}
	switch {
	case o.passphrase:
		a.say("The age store is protected by the passphrase. To use it: %s unlock", program)
	case o.none:
		a.say("The age store is protected by the permissions of its files alone.")
	default:
		a.say("The age store is encrypted to your keys.")
	}
	return nil
}

// unlockFor opens a store that is locked for the time that it takes to encrypt it anew.
func (a *app) unlockFor(ctx context.Context, store *agefile.Store, before agefile.Status, o protectOptions, ask *asker) error {
	if !before.Locked || o.oldFile == "" {
		return nil // where somebody can be asked, the store does so itself
	}
	old, err := a.passphrase(ctx, "Passphrase of the age store", o.oldFile, "--old-passphrase-file FILE", ask)
	if err != nil {
		return err
	}
	return store.Unlock(ctx, old, unlockDefault)
}

// protection is what the flags choose.
func (a *app) protection(ctx context.Context, o protectOptions, ask *asker) (agefile.Protection, error) {
	switch {
	case o.none:
		return agefile.Protection{}, nil
	case o.passphrase:
		passphrase, err := a.newPassphrase(ctx, o.passFile, ask)
		return agefile.Protection{Passphrase: passphrase}, err
	}
	return agefile.Protection{Recipients: o.recipients, IdentityFile: o.identity}, nil
}

// newPassphrase reads a new passphrase, or asks for it twice.
func (a *app) newPassphrase(ctx context.Context, file string, ask *asker) (creds.Secret, error) {
	passphrase, err := a.passphrase(ctx, "New passphrase of the age store", file, "--passphrase-file FILE", ask)
	if err != nil || file != "" {
		return passphrase, err
	}
	if passphrase.IsZero() {
		return passphrase, fault.New(fault.Usage, "passphrase", "", "is empty; nothing was changed")
	}
	again, err := ask.secret(ctx, "The same again", "--passphrase-file FILE")
	if err == nil && !again.Equal(passphrase) {
		err = fault.New(fault.Usage, "passphrase", "", "the two are not the same; nothing was changed")
	}
	return passphrase, err
}
