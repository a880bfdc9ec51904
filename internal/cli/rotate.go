package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

type rotateOptions struct {
	profile string
	device  enroll.DeviceOptions
	key     enroll.KeyOptions
	other   otherDevice
	abandon bool
}

func newRotateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate key|device [NAME]",
		Short: "Replace the access key or the MFA device without losing access",
		Example: `  aws-mfa-creds rotate key --profile work
  aws-mfa-creds rotate device --profile work`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRotateKeyCommand(a), newRotateDeviceCommand(a))
	return cmd
}

func newRotateKeyCommand(a *app) *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "key [NAME]",
		Short: "Replace the access key",
		Long: `Create a second access key, store it, get a session with it, switch to it, and deactivate the old
one. The old key is deleted if nothing else has used it lately; otherwise it stays inactive, and the
next run deletes it. If a run is interrupted, the next one continues it.`,
		Example: `  aws-mfa-creds rotate key --profile work`,
		RunE:    a.interactive(func(ctx context.Context) error { return a.manage(ctx, enroll.AccessKey, o, rotateKey) }),
	}
	o.define(a, cmd)
	abandonFlag(cmd, &o.abandon)
	cmd.Flags().BoolVar(&o.key.Delete, "delete", false, "delete the old key at once, even if something else uses it")
	return cmd
}

func newRotateDeviceCommand(a *app) *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "device [NAME]",
		Short: "Replace the MFA device",
		Long: `Enroll a second MFA device, get a session with it, switch to it in all profiles that share the old
one, and only then remove the old one. If a run is interrupted, the next one continues it.`,
		Example: `  aws-mfa-creds rotate device --profile work`,
		RunE:    a.interactive(func(ctx context.Context) error { return a.manage(ctx, enroll.Device, o, rotateDevice) }),
	}
	o.define(a, cmd)
	abandonFlag(cmd, &o.abandon)
	deviceFlags(cmd, &o.device)
	serialFlag(cmd, &o.device.Serial, "the first")
	return cmd
}

func newResyncCommand(a *app) *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "resync [NAME]",
		Short: "Resynchronize the MFA device if AWS refuses its codes",
		Long: `Resynchronize the MFA device with two consecutive codes (ResyncMFADevice), and get a session to show
that it works.`,
		Example: `  aws-mfa-creds resync --profile work`,
		RunE:    a.interactive(func(ctx context.Context) error { return a.manage(ctx, enroll.Device, o, resync) }),
	}
	o.define(a, cmd)
	serialFlag(cmd, &o.device.Serial, "the first that AWS has refused")
	return cmd
}

func (o *rotateOptions) define(a *app, cmd *cobra.Command) {
	profileFlag(cmd, &o.profile)
	o.other.define(cmd)
	cmd.Flags().BoolVar(&a.ask.yes, "yes", false, "do not ask for confirmation")
}

func abandonFlag(cmd *cobra.Command, abandon *bool) {
	cmd.Flags().BoolVar(abandon, "abandon", false, "forget an earlier run that cannot be finished, and list what it leaves in IAM")
	rare(cmd, "abandon")
}

// manage runs a flow on what a profile has, or forgets an earlier one about the same thing.
func (a *app) manage(ctx context.Context, about enroll.Subject, o rotateOptions, flow func(context.Context, *manager, profile.Settings, rotateOptions) error) error {
	_, owner, err := a.ownerBefore(o.profile, changes{device: o.device.Name})
	if err != nil {
		return err
	}
	p, err := a.open(getOptions{Call: profile.Call{Profile: owner}, iam: true})
	if err != nil {
		return err
	}
	switch {
	case !p.HasKey():
		return p.ready()
	case len(p.Settings.MFAProcess) > 0 && about == enroll.AccessKey:
		return withRemedy(a.codesElsewhere(owner), "by hand: aws iam create-access-key --output json --profile NAME | "+program+" add --profile NAME --yes --access-key-file -")
	case len(p.Settings.MFAProcess) > 0:
		return a.codesElsewhere(owner)
	case p.KeyFromEnv() || p.SeedFromEnv():
		return fault.New(fault.Config, "profile "+owner, "run: "+program+" add --profile NAME --from-env", "its access key or seed is in the environment, and cannot be replaced there")
	}
	if err := p.ready(); err != nil {
		return err
	}
	m, err := a.managerOf(ctx, p, "", o.other)
	if err != nil {
		return err
	}
	if o.abandon {
		return m.abandon(ctx, about)
	}
	for _, d := range p.broker.Devices(p.Plan) {
		if d.Failure != nil {
			o.device.Serial = cmp.Or(o.device.Serial, d.Serial)
		}
	}
	if o.device.Serial, err = ofPool(p.Settings.Devices(), o.device.Serial); err != nil {
		return err
	}
	return flow(ctx, m, p.Settings, o)
}

// abandon forgets what an earlier run has left undone.
func (m *manager) abandon(ctx context.Context, about enroll.Subject) error {
	left, unfinished, err := m.mayAbandon(ctx, m.Journal, about, "")
	if err != nil || !unfinished {
		return err
	}
	if err := m.Abandon(about); err != nil {
		return err
	}
	m.say("Forgotten. Check in IAM what user %s still has: %s", left.Caller, leftovers(left))
	return nil
}

// mayAbandon asks whether to forget an unfinished run, if there is one, and what goes with it.
func (a *app) mayAbandon(ctx context.Context, journal enroll.Journal, about enroll.Subject, more string) (enroll.Entry, bool, error) {
	left, unfinished, err := journal.Unfinished(about)
	switch {
	case err != nil:
		return left, false, err
	case !unfinished:
		a.say("Profile %s has no unfinished run.", fault.Printable(journal.Profile))
		return left, false, nil
	}
	return left, true, a.ask.confirm(ctx, fmt.Sprintf("Forget the run of %q that was started %s?%s", left.Flow, fault.Time(left.Started, a.now()), more))
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

// confirmRotation asks before something is replaced, unless an earlier run has begun to.
func (m *manager) confirmRotation(ctx context.Context, about enroll.Subject, question string) error {
	_, unfinished, err := m.Unfinished(about)
	if err != nil || unfinished {
		return err
	}
	return m.ask.confirm(ctx, question)
}

func resync(ctx context.Context, m *manager, has profile.Settings, o rotateOptions) error {
	err := m.Resync(ctx, o.device.Serial)
	if err == nil && len(has.Others) > 0 {
		m.say("Resynchronized %s and got a session.", o.device.Serial)
	} else if err == nil {
		m.say("Resynchronized the device and got a session.")
	}
	return err
}

func rotateDevice(ctx context.Context, m *manager, _ profile.Settings, o rotateOptions) error {
	question := fmt.Sprintf("Replace MFA device %s of profile %s?", o.device.Serial, fault.Printable(m.Profile))
	if err := m.confirmRotation(ctx, enroll.Device, question); err != nil {
		return err
	}
	o.device.Host, _ = os.Hostname()
	result, err := m.RotateDevice(ctx, o.device)
	if err == nil {
		m.say("Replaced %s with %s, and got a session with it.", result.Old, result.Serial)
	}
	return err
}

func rotateKey(ctx context.Context, m *manager, has profile.Settings, o rotateOptions) error {
	end := "deactivated"
	if o.key.Delete {
		end = "deactivated and deleted"
	}
	question := fmt.Sprintf("Replace access key %s of profile %s? The old one will be %s.", has.AccessKeyID, fault.Printable(m.Profile), end)
	if err := m.confirmRotation(ctx, enroll.AccessKey, question); err != nil {
		return err
	}
	result, err := m.RotateKey(ctx, o.key)
	if err != nil {
		return err
	}
	if !result.Kept {
		m.say("Replaced access key %s with %s, and deleted the old one.", result.Old, result.ID)
		return nil
	}
	why := "AWS does not say whether anything else uses it"
	if result.Use != nil && !result.Use.Time.IsZero() {
		why = fmt.Sprintf("it was last used %s for %s", fault.Time(result.Use.Time, m.now()), fault.Printable(result.Use.Service))
	}
	m.say("Replaced access key %s with %s. The old one is inactive, but not deleted: %s.", result.Old, result.ID, why)
	m.say("Once nothing uses the old key, delete it with: %s rotate key --profile %s", program, fault.Shell(m.Profile))
	return nil
}
