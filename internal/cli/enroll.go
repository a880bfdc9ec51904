package cli

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
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
		Use:   "enroll --profile NAME",
		Short: "Make this computer an MFA device of the IAM user",
		Long: `Create a virtual MFA device in IAM, store its seed, enable it with two consecutive codes, and get a
session with it. The access key of the profile must already be stored. If a run is interrupted, the
next one continues it.

With --console, you create the device in the AWS console: for the root user, whom the API does not
support, and for users without IAM permissions. Give the QR code or the "secret key" that the
console shows, and enter the two codes that you get in the console.`,
		Example: `  aws-mfa-creds enroll --profile work
  aws-mfa-creds enroll --profile work --console --seed-file screenshot.png`,
		RunE: a.interactive(func(ctx context.Context) error { return runEnroll(ctx, a, o) }),
	}
	profileFlag(a, cmd, &o.add.name)
	deviceFlags(cmd, &o.device)
	cmd.Flags().StringVar(&o.add.stores.seed, "seed-store", "", "`STORE` for the seed (default: that of the access key)")
	complete(cmd, "seed-store", keystore.Kinds)
	cmd.Flags().BoolVar(&o.console, "console", false, "create the device in the AWS console, which shows a QR code or a secret key")
	cmd.Flags().StringVar(&o.add.serial, "serial", "", "with --console: serial (`ARN`) of the device, if you already know it")
	o.add.seed.define(cmd)
	o.other.define(cmd)
	abandonFlag(cmd, &o.abandon)
	cmd.Flags().BoolVar(&a.ask.yes, "yes", false, "do not ask for confirmation")
	rare(cmd, "replace-unassigned")
	needs(cmd, "console", "seed-file", "seed-clipboard", "account", "allow-weak-seed", "serial")
	return cmd
}

func deviceFlags(cmd *cobra.Command, o *enroll.DeviceOptions) {
	cmd.Flags().StringVar(&o.Name, "device-name", "", "`NAME` of the device in IAM (default: USER-HOST)")
	cmd.Flags().BoolVar(&o.ReplaceUnassigned, "replace-unassigned", false, "first delete a device of the same name that is not enabled for anyone")
}

func runEnroll(ctx context.Context, a *app, o enrollOptions) error {
	_, owner, err := a.ownerBefore(o.add.name, changes{device: o.device.Name, stores: []string{o.add.stores.seed}})
	if err != nil {
		return err
	}
	o.add.name = owner
	if o.console {
		return runConsole(ctx, a, o)
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
	m.say("Enabled %s for user %s, and got a session with it. Its seed is in the %s store.", result.Serial, fault.Printable(result.User), m.SeedStore)
	return nil
}
