package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

type removeOptions struct {
	profile string
	aws     bool
	other   otherDevice
	yes     bool
}

func newRemoveCommand(a *app) *cobra.Command {
	var o removeOptions
	cmd := &cobra.Command{
		Use:   "remove --profile NAME",
		Short: "Delete the stored access key and seed of a profile",
		Long: `Delete what this program keeps of a profile: its access key and seed in their stores, its section in
profiles.ini, and its cached sessions. A seed that another profile uses as well stays. AWS is not asked: access key and MFA
device exist there until you delete them. Without the seed the device makes no codes any more: have another one first.

With --aws, the MFA device is removed from IAM first. The access key stays there: a profile without one has nothing to sign with.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRemove(cmd.Context(), a, o) },
	}
	profileFlag(a, cmd, &o.profile, "the `name` of the profile")
	cmd.Flags().BoolVar(&o.aws, "aws", false, "remove the MFA device from IAM as well")
	o.other.define(cmd)
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	return cmd
}

func runRemove(ctx context.Context, a *app, o removeOptions) error {
	a.profile = o.profile
	if o.profile == "" {
		return fault.New(fault.Usage, "remove", "run: "+program+" remove --profile NAME", "--profile is missing")
	}
	ctx, cancel := untilInterrupted(ctx, personPatience)
	defer cancel()
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	own, known, err := files.Own(o.profile)
	if err != nil {
		return err
	}
	if !known {
		a.say("Nothing is stored for profile %s.", fault.Printable(o.profile))
		return nil
	}
	ask := a.asker(o.yes)
	defer ask.close()
	gone := removal{app: a, profile: o.profile, own: own, sharing: othersThan(o.profile, files.Sharing(own.Serial))}
	if err := ask.confirm(ctx, gone.question()); err != nil {
		return err
	}
	if o.aws && own.Serial != "" {
		if err := a.removeDevice(ctx, o, ask); err != nil {
			return err
		}
		gone.own.Serial = "" // its seed went with it
	}
	return gone.run(ctx, ask)
}

// removeDevice removes the MFA device of a profile from IAM, and its seed from the store.
func (a *app) removeDevice(ctx context.Context, o removeOptions, ask *asker) error {
	c, err := a.caretaker(ctx, o.profile, "", o.other, ask)
	if err != nil {
		return err
	}
	k, err := c.keeper()
	if err != nil {
		return err
	}
	result, err := k.RemoveDevice(ctx, "")
	if err == nil {
		a.say("Removed %s of user %s from IAM, and its seed from the store.", result.Old, fault.Printable(result.User))
	}
	return wantsSession(err)
}

func othersThan(name string, names []string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return n == name })
}

// removal deletes all that is kept of one profile.
type removal struct {
	*app
	profile string
	own     profile.Own
	sharing []string // the other profiles with its MFA device
}

func (r removal) question() string {
	var what []string
	if kind := keyStoreOf(r.own); kind != "" && r.own.AccessKeyID != "" {
		what = append(what, fmt.Sprintf("access key %s (%s)", r.own.AccessKeyID, kind))
	}
	if kind := seedStoreOf(r.own); kind != "" && r.own.Serial != "" && len(r.sharing) == 0 {
		what = append(what, fmt.Sprintf("the seed of %s (%s), for good", r.own.Serial, kind))
	}
	what = append(what, "its settings and sessions")
	return fmt.Sprintf("Delete of profile %s: %s?", fault.Printable(r.profile), strings.Join(what, ", "))
}

// run deletes sessions first and the settings last: what an interruption leaves is found by
// the next run.
func (r removal) run(ctx context.Context, ask *asker) error {
	r.forgetSessions(r.profile)
	if kind := keyStoreOf(r.own); kind != "" && kind != keystore.KindEnv {
		items, err := r.items(kind, ask)
		if err != nil {
			return err
		}
		if err := items.DeleteAccessKey(ctx, r.profile); err != nil {
			return err
		}
	}
	if err := r.deleteSeed(ctx, ask); err != nil {
		return err
	}
	if _, err := r.editor().Remove(ctx, r.profile); err != nil {
		return err
	}
	r.say("Deleted what was stored for profile %s.", fault.Printable(r.profile))
	return nil
}

func (r removal) deleteSeed(ctx context.Context, ask *asker) error {
	kind := seedStoreOf(r.own)
	if r.own.Serial == "" || kind == "" || kind == keystore.KindEnv {
		return nil
	}
	if len(r.sharing) > 0 {
		r.say("Kept the seed of %s: profile %s uses it.", r.own.Serial, fault.Printable(r.sharing[0]))
		return nil
	}
	items, err := r.items(kind, ask)
	if err != nil {
		return err
	}
	return items.DeleteSeed(ctx, r.own.Serial)
}
