package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

type enrollOptions struct {
	add     addOptions // the profile, and the seed that the console shows
	device  enroll.DeviceOptions
	other   otherDevice
	console bool
	abandon bool
}

func newEnrollCommand(a *app) *cobra.Command {
	var o enrollOptions
	cmd := &cobra.Command{
		Use:   "enroll [NAME]",
		Short: "Make this computer an MFA device of the IAM user",
		Long: `Create a virtual MFA device in IAM, store its seed, enable it with two consecutive codes, and get a
session with it. The access key of the profile must already be stored. If a run is interrupted, the
next one continues it.

With --pool, the profile gets several MFA devices: get uses the first that is free, so that sessions
do not wait for each other. The device that it has stays the first of them.

With --console, you create the device in the AWS console: for the root user, whom the API does not
support, and for users without IAM permissions. There, choose Security credentials, Assign MFA
device, and Authenticator app. Give the QR code or the "secret key" that the console shows, and
enter the two codes that you get in the console.`,
		Example: `  aws-mfa-creds enroll --profile work
  aws-mfa-creds enroll --profile work --pool 8
  aws-mfa-creds enroll --profile work --console --seed-file screenshot.png`,
		RunE: a.interactive(func(ctx context.Context) error { return runEnroll(ctx, a, o) }),
	}
	profileFlag(cmd, &o.add.name)
	deviceFlags(cmd, &o.device)
	cmd.Flags().IntVar(&o.device.Pool, "pool", 0, "make as many devices as it takes for the profile to have this `NUMBER`, at most eight")
	cmd.Flags().StringVar(&o.add.stores.seed, "seed-store", "", "`STORE` for the seed (default: that of the access key)")
	cmd.Flags().BoolVar(&o.console, "console", false, "create the device in the AWS console, which shows a QR code or a secret key")
	cmd.Flags().StringVar(&o.add.serial, "serial", "", "with --console: serial (`ARN`) of the device, if you already know it")
	o.add.seed.define(cmd)
	o.other.define(cmd)
	abandonFlag(cmd, &o.abandon)
	cmd.Flags().BoolVar(&a.ask.yes, "yes", false, "do not ask for confirmation")
	rare(cmd, "replace-unassigned")
	cmd.MarkFlagsMutuallyExclusive("pool", "console")
	needs(cmd, "console", "seed-file", "seed-clipboard", "account", "allow-weak-seed", "serial")
	return cmd
}

func deviceFlags(cmd *cobra.Command, o *enroll.DeviceOptions) {
	cmd.Flags().StringVar(&o.Name, "device-name", "", "`NAME` of the device in IAM (default: USER-HOST)")
	cmd.Flags().BoolVar(&o.ReplaceUnassigned, "replace-unassigned", false, "first delete a device of the same name that is not enabled for anyone")
}

func runEnroll(ctx context.Context, a *app, o enrollOptions) error {
	if o.device.Pool < 0 || o.device.Pool > profile.MaxDevices {
		return fault.New(fault.Usage, "--pool", "give a number from 1 to "+strconv.Itoa(profile.MaxDevices), "a user cannot have %d MFA devices", o.device.Pool)
	}
	_, owner, err := a.ownerBefore(o.add.name, changes{device: o.device.Name, stores: []string{o.add.stores.seed}})
	if err != nil {
		return err
	}
	o.add.name = owner
	if o.console {
		return runConsoleEnrollment(ctx, a, o)
	}
	m, err := a.manager(ctx, o.add.name, o.add.stores.seed, o.other)
	if err != nil {
		return err
	}
	if o.abandon {
		return m.abandon(ctx, enroll.Device)
	}
	if err := m.enroll(ctx, o.device); err != nil {
		return err
	}
	return a.sayNext(o.add.name)
}

// enroll enrolls a device and says what it is.
func (m *manager) enroll(ctx context.Context, o enroll.DeviceOptions) error {
	o.Host, _ = os.Hostname()
	result, err := m.Enroll(ctx, o)
	if err != nil {
		return err
	}
	if o.Pool > 0 {
		m.say("Profile %s has %s now. The seeds are in the %s store.", fault.Printable(m.Profile), counted(result.Devices, "MFA device"), m.SeedStore)
		return nil
	}
	m.say("Enabled %s for user %s, and got a session with it. Its seed is in the %s store.", result.Serial, fault.Printable(result.User), m.SeedStore)
	return nil
}

// consoleEnrollment is one enrollment in the AWS console.
type consoleEnrollment struct {
	*adding
	at    place // of the seed
	cache *cache.Cache
	held  enroll.Journal // knows whether an earlier run has stored a seed
}

func runConsoleEnrollment(ctx context.Context, a *app, o enrollOptions) error {
	add, err := a.adding(o.add)
	if err != nil {
		return err
	}
	c, err := add.beginConsole(ctx, o.add.stores.seed)
	if err != nil {
		return err
	}
	if o.abandon {
		return c.abandon(ctx)
	}
	if err := c.enroll(ctx); err != nil {
		return err
	}
	return a.sayNext(o.add.name)
}

// beginConsole begins an enrollment whose seed goes to the store, or to the usual one for "".
func (add *adding) beginConsole(ctx context.Context, store string) (c *consoleEnrollment, err error) {
	c = &consoleEnrollment{adding: add}
	if c.at.kind, err = add.seedStore(ctx, store, add.settings, add.say); err != nil {
		return nil, err
	}
	if c.at.items, err = add.items(c.at.kind, &add.ask); err != nil {
		return nil, err
	}
	if c.held, err = add.journal(add.settings.Identity); err != nil {
		return nil, err
	}
	c.cache, err = add.host().OpenCache(noKey())
	return c, err
}

// enroll makes the planned changes, and stores the seed before the console knows a code of it: nothing is ever
// enabled whose seed could be lost.
func (c *consoleEnrollment) enroll(ctx context.Context) error {
	got, err := c.readSeed(ctx)
	if err == nil {
		err = c.apply(ctx)
	}
	if err == nil {
		err = c.hold(ctx, got.Seed)
	}
	if err != nil {
		return err
	}
	serial, err := c.introduce(ctx, got)
	if err == nil {
		err = c.try(ctx, serial) // a mistyped serial shows here
	}
	if err != nil {
		return c.seedKept(err)
	}
	return c.forgetConsole(ctx, c.settings.Identity, c.at.items)
}

// hold stores the seed of a device that has no serial yet, and has the settings and the journal know of it.
func (c *consoleEnrollment) hold(ctx context.Context, seed totp.Seed) error {
	name := c.settings.Identity
	if err := c.update(ctx, name, func(own *edit.Own) { own.SetStores("", c.at.kind) }); err != nil {
		return err
	}
	if err := c.held.BeginConsole(); err != nil {
		return err
	}
	return c.at.items.PutSeed(ctx, pendingSeed(name), seed)
}

// forgetConsole deletes what hold has left for a profile, if anything.
func (a *app) forgetConsole(ctx context.Context, name string, items keystore.Items) error {
	journal, err := a.journal(name)
	if err != nil {
		return err
	}
	if _, held, err := journal.Unfinished(enroll.Console); err != nil || !held {
		return err
	}
	if err := items.DeleteSeed(ctx, pendingSeed(name)); err != nil {
		return err
	}
	return journal.EndConsole()
}

// abandon forgets an earlier run, and deletes its seed, which belongs to no serial.
func (c *consoleEnrollment) abandon(ctx context.Context) error {
	name := c.settings.Identity
	const seed = " Its seed is deleted: if the console has enabled a device with it, nothing generates the codes of that any more."
	if _, held, err := c.mayAbandon(ctx, c.held, enroll.Console, seed); err != nil || !held {
		return err
	}
	if err := c.forgetConsole(ctx, name, c.at.items); err != nil {
		return err
	}
	c.say("Forgotten. If the AWS console shows a device of that run, delete it there.")
	return c.update(ctx, name, func(own *edit.Own) {
		if own.Serial == "" {
			own.ForgetDevice()
		}
	})
}

// introduce has the console take the device, and keeps its seed under the serial it gets.
func (c *consoleEnrollment) introduce(ctx context.Context, got totp.Account) (serial string, err error) {
	typed, err := c.showPair(ctx, got.Seed)
	if err != nil {
		return "", err
	}
	if serial, err = c.askSerial(ctx, got); err != nil {
		return "", err
	}
	return serial, c.keep(ctx, serial, got.Seed, typed)
}

// seedKept adds to a failure, or an interruption, that the next run continues.
func (c *consoleEnrollment) seedKept(err error) error {
	const kept = "The seed is stored; run the same command again to continue"
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		if c.ask.present() {
			fmt.Fprintln(c.ask.terminal) // the codes are on this line
		}
		fmt.Fprintf(c.stderr, "%s: %s\n", program, kept)
		return err
	}
	if remedy := fault.Remedy(err); remedy != "" {
		return withRemedy(err, remedy+". "+kept)
	}
	return withRemedy(err, kept)
}

// pendingSeed names the seed of a device that has no serial yet.
func pendingSeed(profileName string) string { return "the console's for profile " + profileName }

// seed reads the seed, or takes the one that an earlier run has stored and not finished with, which is not
// replaced by another without a question.
func (c *consoleEnrollment) readSeed(ctx context.Context) (totp.Account, error) {
	stored, err := c.at.items.Seed(ctx, pendingSeed(c.settings.Identity))
	held := err == nil
	if held && !c.seed.given() {
		yes, err := c.ask.agrees(ctx, "An earlier run stored a seed for the console and did not finish. Continue with it?")
		if err != nil || yes {
			return totp.Account{Seed: stored}, err
		}
	}
	got, err := c.seed.read(ctx, &c.ask)
	if err == nil && held && !got.Seed.Equal(stored) {
		err = c.abandon(ctx)
	}
	return got, err
}

// showPair shows two consecutive codes until they have been typed, and returns the last step
// whose code was shown.
func (c *consoleEnrollment) showPair(ctx context.Context, seed totp.Seed) (totp.Step, error) {
	if err := session.CheckTime(c.awsTime()); err != nil {
		return 0, err
	}
	if !c.ask.present() {
		step := totp.StepAt(c.awsTime())
		c.say("%s\n%s", seed.Code(step-1).Reveal(), seed.Code(step).Reveal())
		return step, nil
	}
	fmt.Fprintln(c.ask.terminal, "Enter these two codes in the console as MFA code 1 and MFA code 2. Once it accepts them, press Enter here.")
	typed := make(chan error, 1)
	go func() {
		_, err := c.ask.terminal.Line(ctx, "")
		typed <- err
	}()
	for {
		now := c.awsTime()
		step := totp.StepAt(now)
		left := step.End().Sub(now)
		first, second, seconds := seed.Code(step-1).Reveal(), seed.Code(step).Reveal(), int(left.Seconds())+1
		_ = c.ask.terminal.Status(fmt.Sprintf("code 1: %s   code 2: %s   %s %2d s ", first, second, bar(left), seconds),
			fmt.Sprintf("1: %s  2: %s  %2d s ", first, second, seconds), first+" "+second)
		select {
		case err := <-typed:
			return totp.StepAt(c.awsTime()), ended(err)
		case <-time.After(time.Second):
		}
	}
}

// awsTime is this machine's time, corrected by what AWS last showed.
func (c *consoleEnrollment) awsTime() time.Time {
	return newStoredClock(c.cache, c.settings, c.now).Now()
}

// askSerial finds out the serial of the device that the console has made.
func (c *consoleEnrollment) askSerial(ctx context.Context, got totp.Account) (string, error) {
	if c.serial != "" {
		return c.settings.Serial, nil
	}
	return c.ask.serial(ctx, "Serial (ARN) of the device, as the console shows it now", "--serial ARN", guessSerial(got, c.settings.Partition))
}

// keep gives the seed its name, notes the codes that were typed as spent, and writes the serial
// to the settings.
func (c *consoleEnrollment) keep(ctx context.Context, serial string, seed totp.Seed, typed totp.Step) error {
	before, err := c.at.items.Seed(ctx, serial)
	fresh := err != nil || !before.Equal(seed)
	if err := c.at.items.PutSeed(ctx, serial, seed); err != nil {
		return err
	}
	session.Change(c.cache.Scope(rules.DeviceScope(serial)), func(r *rules.Record) {
		if fresh {
			*r = rules.Record{} // AWS has seen no earlier code of this seed
		}
		r.Claim(typed)
	})
	if err := c.recordSeed(ctx, c.settings.Identity, c.at.kind, serial); err != nil {
		return err
	}
	c.say("Stored the seed of %s in the %s store.", serial, c.at.kind)
	if wrong, err := c.at.items.Seed(ctx, c.own.Serial); c.own.Serial != serial && err == nil && wrong.Equal(seed) {
		return c.at.items.DeleteSeed(ctx, c.own.Serial) // an earlier run was given this serial
	}
	return nil
}

// ofRoot reports whether an MFA device is the root user's.
func ofRoot(serial string) bool { return strings.HasSuffix(serial, ":mfa/root-account-mfa-device") }

// try proves the device by a session, if there is an access key to make one with.
func (c *consoleEnrollment) try(ctx context.Context, serial string) error {
	if c.settings.KeyStore == "" && !envstore.New(c.getenv).Configured() {
		c.say("Profile %s has no access key, so there is no session to try. To get codes, run: %s code --profile %s", fault.Printable(c.settings.Identity), program, fault.Shell(c.settings.Identity))
		return nil
	}
	if ofRoot(serial) {
		c.say("AWS limits sessions of the root user to an hour, and advises against access keys for it.")
	}
	return c.app.verify(ctx, c.settings.Identity)
}
