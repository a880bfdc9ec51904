package cli

import (
	"context"
	"fmt"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/ledger"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// addSeed stores the seed and records where it is.
func (add *adding) addSeed(ctx context.Context) error {
	if add.own.MFAProcess != "" {
		return fault.New(fault.Config, "profile "+add.settings.Identity, "delete mfa_process from "+add.editor().Paths.Own, "a program prints its codes (mfa_process), so that a seed would not be used")
	}
	kind, err := add.storeFor(ctx, "seed", "--seed", add.stores.seed, add.settings.SeedStore)
	if err != nil {
		return err
	}
	items, err := add.items(kind, add.ask)
	if err != nil {
		return err
	}
	got, err := add.getSeed(ctx)
	if err != nil {
		return err
	}
	add.compareLabel(got.name)
	if err := add.needSerial(ctx, serialOf(got.name, add.settings.Partition)); err != nil {
		return err
	}
	if err := add.storeSeed(ctx, items, kind, got.seed); err != nil {
		return err
	}
	return add.save(ctx, func(own *profile.Own) {
		own.Serial = add.settings.Serial
		own.SetStores("", kind)
	})
}

func (add *adding) getSeed(ctx context.Context) (found, error) {
	if !add.key.env {
		return add.readSeed(ctx, add.seed, add.ask)
	}
	env := envstore.New(add.getenv)
	serial, err := env.Serial()
	if err == nil && serial != "" && add.serial == "" {
		add.settings.Serial, err = profile.CheckSerial(envstore.VarSerial, serial)
	}
	if err != nil {
		return found{}, err
	}
	seed, err := env.Seed(ctx)
	return found{seed: seed}, err
}

func (add *adding) storeSeed(ctx context.Context, items keystore.Items, kind string, seed totp.Seed) error {
	serial := add.settings.Serial
	stored, err := items.Seed(ctx, serial)
	switch {
	case err == nil && stored.Equal(seed):
		add.say("The seed of %s is in the %s store already.", serial, kind)
		return nil
	case err == nil:
		if err := add.ask.confirm(ctx, fmt.Sprintf("Another seed is stored for %s. Replace it, for good?", serial)); err != nil {
			return err
		}
	case fault.KindOf(err) != fault.NoSecret:
		return err
	}
	replaced := err == nil
	if err := items.PutSeed(ctx, serial, seed); err != nil {
		return err
	}
	if replaced {
		add.emptyBooks(serial)
	}
	add.say("Stored the seed of %s in the %s store.", serial, kind)
	if seed.Weak() {
		add.say("It has %d bits, and RFC 4226 recommends 160: enrol a new device when you can.", seed.Bits())
	}
	return nil
}

// needSerial asks for the serial of the MFA device if it is not known. suggestion is what it
// probably is, or "".
func (add *adding) needSerial(ctx context.Context, suggestion string) error {
	if add.settings.Serial != "" {
		return nil
	}
	if suggestion != "" && !add.ask.present() {
		add.settings.Serial = suggestion
		add.say("Using the serial %s, as the label of the seed has it.", suggestion)
		return nil
	}
	const prompt = "Serial (ARN) of the MFA device"
	serial, err := add.ask.serial(ctx, prompt, "--serial ARN", suggestion)
	add.settings.Serial = serial
	return err
}

// compareLabel warns where the source of the seed names another device than the settings do.
func (add *adding) compareLabel(label string) {
	device := deviceOf(label)
	if serial := add.settings.Serial; serial != "" && device != "" && device != keystore.Label(serial) {
		add.say("Warning: the seed is labelled %s, and the serial is %s.", device, serial)
	}
}

// emptyBooks forgets which codes of a device were sent: those of another seed do not matter. That this
// fails only means that a step is waited for.
func (a *app) emptyBooks(serial string) {
	cached, err := a.openCache(noKey())
	if err != nil {
		return
	}
	scope := cached.Scope(session.DeviceScope(serial))
	unlock, held, err := scope.TryLock()
	if err != nil || !held {
		return
	}
	defer unlock()
	_ = scope.Save(ledger.Record{})
}
