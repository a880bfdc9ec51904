package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
)

type enrollOptions struct {
	profile   string
	device    enroll.DeviceOptions
	seedStore string
	other     otherDevice
	console   consoleOptions
	abandon   bool
	yes       bool
}

func newEnrollCommand(a *app) *cobra.Command {
	var o enrollOptions
	cmd := &cobra.Command{
		Use:   "enroll --profile NAME",
		Short: "Make this computer an MFA device of the user, in seconds",
		Long: `Create a virtual MFA device in IAM, store its seed, enable it with two consecutive codes, and prove it by a session. The access
key of the profile has to be stored already. An interrupted run is taken up, or taken back, by the next one.

With --console, the device is made in the AWS console instead: for the root user, for whom no API does it, and for users without
rights in IAM. Give the QR code or the "secret key" that the console shows, and type the two codes that come back into the console.`,
		Example: `  aws-mfa-creds enroll --profile work
  aws-mfa-creds enroll --profile work --console --seed-file screenshot.png`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runEnroll(cmd.Context(), a, o) },
	}
	profileFlag(a, cmd, &o.profile)
	deviceFlags(cmd, &o.device)
	cmd.Flags().StringVar(&o.seedStore, "seed-store", "", "the `store` for the seed; that of the access key unless given")
	complete(cmd, "seed-store", keystore.Kinds)
	o.other.define(cmd)
	o.console.define(cmd)
	abandonFlag(cmd, &o.abandon)
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	return cmd
}

func deviceFlags(cmd *cobra.Command, o *enroll.DeviceOptions) {
	cmd.Flags().StringVar(&o.Name, "device-name", "", "the `name` of the device in IAM; USER-HOST unless given")
	cmd.Flags().BoolVar(&o.ReplaceUnassigned, "replace-unassigned", false, "delete a device of the same name first that is enabled for nobody")
}

func runEnroll(ctx context.Context, a *app, o enrollOptions) error {
	if err := a.forProfile("enroll", o.profile); err != nil {
		return err
	}
	var err error
	if o.profile, err = a.atOwner(o.profile); err != nil {
		return err
	}
	ctx, cancel := untilInterrupted(ctx, personPatience)
	defer cancel()
	ask := a.asker(o.yes)
	defer ask.close()
	if o.console.on {
		return a.enrollInConsole(ctx, o, ask)
	}
	c, err := a.caretaker(ctx, o.profile, o.seedStore, o.other, ask)
	if err != nil {
		return err
	}
	if !o.abandon {
		return c.enrol(ctx, o.device)
	}
	k, err := c.keeper()
	if err != nil {
		return err
	}
	return c.abandon(ctx, k, enroll.Device)
}

// enrol enrols a device and tells what it is.
func (c *caretaker) enrol(ctx context.Context, o enroll.DeviceOptions) error {
	k, err := c.keeper()
	if err != nil {
		return err
	}
	o.Host, _ = os.Hostname()
	result, err := k.Enrol(ctx, o)
	if err != nil {
		return wantsSession(err)
	}
	c.forgetFailures(c.name)
	c.say("Enabled %s for user %s, and got a session with it. Its seed is in the %s store.", result.Serial, fault.Printable(result.User), c.seeds)
	return nil
}

// enrolling reports whether an earlier run has begun to enrol a device and did not finish.
func (c *caretaker) enrolling() (bool, error) {
	k, err := c.keeper()
	if err != nil {
		return false, err
	}
	entry, open, err := k.Unfinished(enroll.Device)
	return open && entry.Flow == enroll.FlowEnrol, err
}

// wantsSession adds to a denial for want of MFA how to get on.
func wantsSession(err error) error {
	wanted, ok := errors.AsType[*enroll.MFAError](err)
	if !ok {
		return err
	}
	told, ok := errors.AsType[*fault.Error](wanted)
	if !ok {
		return err
	}
	return fault.New(told.Kind, told.Thing, "give a device that works already: --mfa-serial ARN --mfa-code-file FILE, or run it on a terminal", "%s", told.Cause)
}
