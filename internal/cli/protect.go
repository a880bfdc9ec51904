package cli

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
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
		Short: "Choose what opens the age store: a passphrase, your own keys, or file permissions",
		Long: `Choose what opens the age store. Everything in it is encrypted again. If this is interrupted, the
next run continues.

With --passphrase, "` + program + ` unlock" opens the store for some hours. With --recipient and
--identity it is encrypted to your own age keys, which a plugin can keep in a TPM or a YubiKey. With
--none, the key is in a file that only you can read.`,
		Example: `  aws-mfa-creds store protect --passphrase
  aws-mfa-creds store protect --recipient age1tpm1... --identity tpm-identity.txt`,
		RunE: a.interactive(func(ctx context.Context) error { return runProtect(ctx, a, o) }),
	}
	f := cmd.Flags()
	f.BoolVar(&o.passphrase, "passphrase", false, "protect it with a passphrase")
	f.BoolVar(&o.none, "none", false, "protect it with file permissions only")
	f.StringArrayVar(&o.recipients, "recipient", nil, "encrypt it to this `RECIPIENT` (age1..., plugins included); can be repeated")
	f.StringVar(&o.identity, "identity", "", "`FILE` with the identities that open it")
	passphraseFlag(cmd, &o.passFile, "passphrase-file", "read the new passphrase")
	passphraseFlag(cmd, &o.oldFile, "old-passphrase-file", "read the current passphrase")
	rare(cmd, "passphrase-file", "old-passphrase-file")
	cmd.MarkFlagsMutuallyExclusive("passphrase", "none", "recipient")
	cmd.MarkFlagsMutuallyExclusive("passphrase", "none", "identity")
	cmd.MarkFlagsOneRequired("passphrase", "none", "recipient")
	cmd.MarkFlagsRequiredTogether("recipient", "identity")
	return cmd
}

func runProtect(ctx context.Context, a *app, o protectOptions) error {
	store, before, err := a.ageStore(ctx, &a.ask)
	if err != nil {
		return err
	}
	to := agefile.Protection{Recipients: o.recipients, IdentityFile: o.identity}
	if before.Locked {
		old, err := readPassphrase(ctx, "Current passphrase of the age store", o.oldFile, "--old-passphrase-file FILE", &a.ask)
		if err != nil {
			return err
		}
		if err := store.Use(old); err != nil {
			return err
		}
	}
	if o.passphrase {
		if to.Passphrase, err = newPassphrase(ctx, o.passFile, &a.ask); err != nil {
			return err
		}
	}
	if err := store.Rekey(ctx, to); err != nil {
		return err
	}
	switch {
	case o.passphrase:
		a.say("The age store is protected by the passphrase. To use it, run: %s unlock", program)
	case o.none:
		a.say("The age store is protected by file permissions only.")
	default:
		a.say("The age store is encrypted to your keys.")
	}
	return nil
}

// shortestPassphrase is the least that NIST SP 800-63B-4 section 3.1.1.2 allows beside another factor, in
// characters: whoever reads the file can try millions a day.
const shortestPassphrase = 8

// newPassphrase reads a new passphrase, or asks for it twice.
func newPassphrase(ctx context.Context, file string, ask *asker) (creds.Secret, error) {
	const flag = "--passphrase-file FILE"
	if file != "" {
		passphrase, err := readPassphrase(ctx, "", file, flag, ask)
		if err != nil {
			return passphrase, err
		}
		return longEnough(passphrase)
	}
	passphrase, err := insist(ctx, ask, ask.secret, "New passphrase of the age store", flag, longEnough)
	if err != nil {
		return passphrase, err
	}
	again, err := ask.secret(ctx, "Repeat the new passphrase", flag)
	if err == nil && !again.Equal(passphrase) {
		err = fault.New(fault.Usage, "passphrase", "type the same one twice", "the two passphrases differ; nothing was changed")
	}
	return passphrase, err
}

func longEnough(passphrase creds.Secret) (creds.Secret, error) {
	if utf8.RuneCountInString(passphrase.Reveal()) < shortestPassphrase {
		return passphrase, fault.New(fault.Usage, "passphrase", "give some words that belong to nothing else", "is shorter than %d characters; nothing was changed", shortestPassphrase)
	}
	return passphrase, nil
}

// How long the age store may stay unlocked.
const (
	unlockDefault = "8h"
	unlockMost    = 7 * 24 * time.Hour
)

func newUnlockCommand(a *app) *cobra.Command {
	var life, file string
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Unlock the age store for some hours, if a passphrase protects it",
		Long: `Unlock the age store for all of your processes on this computer. The key stays in the kernel's
keyring until the time is over, you run "` + program + ` lock", or the computer restarts. No process
keeps running.`,
		Example: `  aws-mfa-creds unlock --for 12h`,
		RunE:    a.interactive(func(ctx context.Context) error { return runUnlock(ctx, a, life, file) }),
	}
	cmd.Flags().StringVar(&life, "for", unlockDefault, "how `LONG`, such as 90m or 12h; at most a week")
	passphraseFlag(cmd, &file, "passphrase-file", "read the passphrase")
	return cmd
}

func passphraseFlag(cmd *cobra.Command, file *string, name, usage string) {
	cmd.Flags().StringVar(file, name, "", usage+" from the first line of `FILE` (- for stdin) instead of asking")
}

func runUnlock(ctx context.Context, a *app, long, file string) error {
	life, err := profile.ParseDuration("--for", long)
	if err != nil {
		return err
	}
	if life > unlockMost {
		return fault.New(fault.Usage, "--for", "give --for 8h, for example", "is longer than a week")
	}
	store, status, err := a.ageStore(ctx, nil)
	if err != nil {
		return err
	}
	if status.Mode != agefile.Passphrase {
		a.say("The age store has no passphrase, so it is not locked.")
		return nil
	}
	passphrase, err := readPassphrase(ctx, "Passphrase of the age store", file, "--passphrase-file FILE", &a.ask)
	if err != nil {
		return err
	}
	if err := store.Unlock(ctx, passphrase, life); err != nil {
		return err
	}
	a.say("The age store is unlocked until %s.", fault.Time(a.now().Add(life), a.now()))
	return nil
}

func newLockCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "lock",
		Short: "Lock the age store",
		Long: `Lock the age store before the time of "aws-mfa-creds unlock" is over. Cached sessions can still be
used until they expire.`,
		Example: `  aws-mfa-creds lock`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, status, err := a.ageStore(cmd.Context(), nil)
			if err != nil {
				return err
			}
			if err := store.Lock(cmd.Context()); err != nil {
				return err
			}
			if status.Mode != agefile.Passphrase {
				a.say("The age store has no passphrase, so it cannot be locked. To set one, run: %s store protect --passphrase", program)
				return nil
			}
			a.say("The age store is locked. Cached sessions can still be used until they expire.")
			return nil
		},
	}
}

// readPassphrase reads a passphrase from a file, or asks for it.
func readPassphrase(ctx context.Context, prompt, file, flag string, ask *asker) (creds.Secret, error) {
	if file == "" {
		return ask.secret(ctx, prompt, flag)
	}
	text, err := ask.text(ctx, strings.TrimSuffix(flag, " FILE"), file)
	line, _, _ := strings.Cut(text, "\n")
	return creds.NewSecret(strings.TrimRight(line, " \t\r")), err
}
