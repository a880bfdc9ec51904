package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

type rotateOptions struct {
	profile string
	device  enroll.DeviceOptions
	key     enroll.KeyOptions
	other   otherDevice
	abandon bool
	yes     bool
}

func newRotateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate key|device --profile NAME",
		Short: "Replace the access key, or the MFA device, without a moment of lock-out",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRotateKeyCommand(a), newRotateDeviceCommand(a))
	return cmd
}

func newRotateKeyCommand(a *app) *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "key --profile NAME",
		Short: "Replace the access key",
		Long: `Make a second access key, store it, prove it by a session, change over to it, and make the old one inactive. If nobody else has
used the old one lately it is deleted; otherwise it stays inactive, and the next run deletes it. An interrupted run is taken up by
the next one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.rotating(cmd.Context(), "rotate key", o, func(ctx context.Context, c *caretaker, k *enroll.Keeper) error {
				if o.abandon {
					return c.abandon(ctx, k, enroll.AccessKey)
				}
				return c.rotateKey(ctx, k, o.key)
			})
		},
	}
	o.define(a, cmd)
	abandonFlag(cmd, &o.abandon)
	cmd.Flags().BoolVar(&o.key.Delete, "delete", false, "delete the old key at once, whoever else uses it")
	return cmd
}

func newRotateDeviceCommand(a *app) *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "device --profile NAME",
		Short: "Replace the MFA device",
		Long: `Enrol a second MFA device, prove it by a session, change over to it, for all profiles that share the old one, and only then remove
the old one. An interrupted run is taken up by the next one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.rotating(cmd.Context(), "rotate device", o, func(ctx context.Context, c *caretaker, k *enroll.Keeper) error {
				if o.abandon {
					return c.abandon(ctx, k, enroll.Device)
				}
				if err := c.confirmRotation(ctx, k, enroll.Device, c.deviceQuestion); err != nil {
					return err
				}
				o.device.Host, _ = os.Hostname()
				result, err := k.RotateDevice(ctx, o.device)
				if err == nil {
					c.say("Replaced %s by %s, and got a session with it.", result.Old, result.Serial)
				}
				return err
			})
		},
	}
	o.define(a, cmd)
	abandonFlag(cmd, &o.abandon)
	deviceFlags(cmd, &o.device)
	return cmd
}

func newResyncCommand(a *app) *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "resync --profile NAME",
		Short: "Make AWS accept the device's codes again",
		Long:  `Resynchronise the MFA device with two consecutive codes (ResyncMFADevice), and prove it by a session.`,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.rotating(cmd.Context(), "resync", o, func(ctx context.Context, c *caretaker, k *enroll.Keeper) error {
				err := k.Resync(ctx, "")
				if err == nil {
					c.forgetFailures(c.name)
					c.say("Resynchronised, and got a session.")
				}
				return err
			})
		},
	}
	o.define(a, cmd)
	return cmd
}

func (o *rotateOptions) define(a *app, cmd *cobra.Command) {
	profileFlag(a, cmd, &o.profile)
	o.other.define(cmd)
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
}

func abandonFlag(cmd *cobra.Command, abandon *bool) {
	cmd.Flags().BoolVar(abandon, "abandon", false, "forget an earlier run that cannot be finished, and tell what it leaves in IAM")
}

// abandon forgets what an earlier run has left undone.
func (c *caretaker) abandon(ctx context.Context, k *enroll.Keeper, about enroll.Subject) error {
	left, unfinished, err := k.Unfinished(about)
	if err != nil {
		return err
	}
	if !unfinished {
		c.say("No earlier run of profile %s is unfinished.", fault.Printable(c.name))
		return nil
	}
	if err := c.ask.confirm(ctx, fmt.Sprintf("Forget the run of %q that was begun %s?", left.Flow, left.Started.Local().Format(time.DateTime))); err != nil {
		return err
	}
	if _, err := k.Abandon(about); err != nil {
		return err
	}
	c.say("Forgotten. Look in IAM at what user %s has: %s", left.Caller, leftovers(left))
	return nil
}

// leftovers names what a run may have left in IAM.
func leftovers(e enroll.Entry) string {
	var all []string
	for _, name := range append([]string{e.Serial, e.NewKey, e.Old}, e.Orphans...) {
		if name != "" {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}

// rotating runs a flow on what a profile has.
func (a *app) rotating(ctx context.Context, verb string, o rotateOptions, flow func(context.Context, *caretaker, *enroll.Keeper) error) error {
	if err := a.forProfile(verb, o.profile); err != nil {
		return err
	}
	ctx, cancel := untilInterrupted(ctx, personPatience)
	defer cancel()
	ask := a.asker(o.yes)
	defer ask.close()
	var err error
	if o.profile, err = a.atOwner(o.profile); err != nil {
		return err
	}
	c, err := a.caretaker(ctx, o.profile, "", o.other, ask)
	if errors.Is(err, errElsewhere) && verb == "rotate key" {
		return codesElsewhere(o.profile, "by hand: aws iam create-access-key, then: "+program+" add --profile NAME --access-key-file FILE")
	}
	if err != nil {
		return err
	}
	if err := c.mustBeStored(); err != nil {
		return err
	}
	k, err := c.keeper()
	if err != nil {
		return err
	}
	return wantsSession(flow(ctx, c, k))
}

// mustBeStored refuses what rests in the environment: it cannot be replaced there.
func (c *caretaker) mustBeStored() error {
	w, err := c.settings()
	if err != nil {
		return err
	}
	if w.KeyFromEnv() || w.SeedFromEnv() {
		return fault.New(fault.Config, "profile "+c.name, "run: "+program+" add --profile NAME --from-env", "its access key or seed is in the environment, and cannot be replaced there")
	}
	return w.ready()
}

// confirmRotation asks before something is replaced, unless an earlier run has begun to.
func (c *caretaker) confirmRotation(ctx context.Context, k *enroll.Keeper, about enroll.Subject, question func() (string, error)) error {
	_, begun, err := k.Unfinished(about)
	if err != nil || begun {
		return err
	}
	text, err := question()
	if err != nil {
		return err
	}
	return c.ask.confirm(ctx, text)
}

func (c *caretaker) deviceQuestion() (string, error) {
	w, err := c.settings()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Replace MFA device %s of profile %s?", w.Settings.Serial, fault.Printable(c.name)), nil
}

func (c *caretaker) keyQuestion(deleted bool) (string, error) {
	w, err := c.settings()
	if err != nil {
		return "", err
	}
	end := "inactive"
	if deleted {
		end = "inactive and deleted"
	}
	return fmt.Sprintf("Replace access key %s of profile %s? The old one will be made %s.", w.Settings.AccessKeyID, fault.Printable(c.name), end), nil
}

func (c *caretaker) rotateKey(ctx context.Context, k *enroll.Keeper, o enroll.KeyOptions) error {
	question := func() (string, error) { return c.keyQuestion(o.Delete) }
	if err := c.confirmRotation(ctx, k, enroll.AccessKey, question); err != nil {
		return err
	}
	result, err := k.RotateKey(ctx, o)
	if err != nil {
		return err
	}
	switch {
	case !result.Kept:
		c.say("Replaced access key %s by %s, and deleted the old one.", result.Old, result.ID)
	case result.Use != nil && !result.Use.Time.IsZero():
		c.say("Replaced access key %s by %s. The old one is inactive, and not deleted: it was last used %s for %s.", result.Old, result.ID,
			result.Use.Time.Local().Format(time.DateTime), fault.Printable(result.Use.Service))
	default:
		c.say("Replaced access key %s by %s. The old one is inactive, and not deleted: AWS does not tell whether others use it.", result.Old, result.ID)
	}
	if result.Kept {
		c.say("When nobody misses it: %s rotate key --profile %s", program, fault.Shell(c.name))
	}
	return nil
}
