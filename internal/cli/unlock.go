package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
)

// How long the age store may stay unlocked.
const (
	unlockDefault = 8 * time.Hour
	unlockMost    = 7 * 24 * time.Hour
)

func newUnlockCommand(a *app) *cobra.Command {
	var life time.Duration
	var file string
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Unlock the age store, which a passphrase protects, for some hours",
		Long: `Unlock the age store for all of your processes on this computer. Its identity rests in the kernel's keyring until the
time is over, "` + program + ` lock" ends it, or the computer restarts; no process runs meanwhile.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runUnlock(cmd.Context(), a, life, file) },
	}
	cmd.Flags().DurationVar(&life, "for", unlockDefault, "how `long`, as 90m or 12h; at most a week")
	passphraseFlag(cmd, &file, "passphrase-file")
	return cmd
}

func passphraseFlag(cmd *cobra.Command, file *string, name string) {
	cmd.Flags().StringVar(file, name, "", "read the passphrase from the first line of `FILE`, or of stdin for -, instead of the terminal")
}

func runUnlock(ctx context.Context, a *app, life time.Duration, file string) error {
	life = life.Truncate(time.Second)
	if life < time.Second || life > unlockMost {
		return fault.New(fault.Usage, "--for", "give 8h, for example", "it has to be a second to a week")
	}
	ctx, cancel := untilInterrupted(ctx, personPatience)
	defer cancel()
	ask := a.asker(false)
	defer ask.close()
	o, err := a.storeOptions(nil)
	if err != nil {
		return err
	}
	store := keystore.Age(o)
	status, err := store.Status(ctx)
	if err != nil {
		return err
	}
	if status.Mode != agefile.Passphrase {
		a.say("The age store has no passphrase: it is not locked.")
		return nil
	}
	passphrase, err := a.passphrase(ctx, "Passphrase of the age store", file, "--passphrase-file FILE", ask)
	if err != nil {
		return err
	}
	if err := store.Unlock(ctx, passphrase, life); err != nil {
		return err
	}
	a.say("The age store is unlocked until %s.", a.now().Add(life).Format("2006-01-02 15:04"))
	return nil
}

func newLockCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "lock",
		Short: "Lock the age store again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := a.storeOptions(nil)
			if err != nil {
				return err
			}
			store := keystore.Age(o)
			if err := store.Lock(cmd.Context()); err != nil {
				return err
			}
			status, err := store.Status(cmd.Context())
			if err != nil {
				return err
			}
			if status.Mode != agefile.Passphrase {
				a.say("The age store has no passphrase, so it cannot be locked: give it one with %q.", program+" store protect --passphrase")
				return nil
			}
			a.say("The age store is locked. Sessions that are cached are served until they expire.")
			return nil
		},
	}
}

// passphrase reads a passphrase from a file, or asks for it.
func (a *app) passphrase(ctx context.Context, prompt, file, flag string, ask *asker) (creds.Secret, error) {
	if file == "" {
		return ask.secret(ctx, prompt, flag)
	}
	text, err := a.readInput(ctx, strings.TrimSuffix(flag, " FILE"), file, maxSecret)
	defer clear(text)
	if err != nil {
		return creds.Secret{}, err
	}
	return firstLine(text), nil
}

func firstLine(text []byte) creds.Secret {
	for i, c := range text {
		if c == '\n' || c == '\r' {
			text = text[:i]
			break
		}
	}
	return creds.NewSecret(string(text))
}
