package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

type clearOptions struct {
	get profile.Call // of the sessions to forget
	all bool
}

func newClearCommand(a *app) *cobra.Command {
	var o clearOptions
	cmd := &cobra.Command{
		Use:   "clear [NAME] | --all",
		Short: "Delete cached sessions from this computer",
		Long: `Delete the cached sessions of a profile, end the waiting period after a refusal, and forget how far
this computer's clock is from AWS's. The next get contacts AWS. For sessions that get returned with
flags, give the same flags. If the profile has a shared cache, they are deleted there too; other
hosts keep those that they have.

AWS honours a session until it expires. To end one earlier, deactivate the access key, or deny
sessions by aws:TokenIssueTime.`,
		Example: `  aws-mfa-creds clear --profile work
  aws-mfa-creds clear --all`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.all && o.get.Profile != "" {
				return fault.New(fault.Usage, "clear", "run: "+program+" clear --profile NAME", "give --profile or --all")
			}
			if o.all {
				return runClearAll(a)
			}
			return runClear(cmd.Context(), a, o.get)
		},
	}
	profileFlag(cmd, &o.get.Profile)
	roleFlags(cmd, &o.get.Flags)
	cmd.Flags().BoolVar(&o.all, "all", false, "delete the sessions of all profiles; waiting periods stay")
	return cmd
}

// runClear forgets what get hands out.
func runClear(ctx context.Context, a *app, asked profile.Call) error {
	files, owner, err := a.owner(asked.Profile)
	if err != nil {
		return err
	}
	// As the AWS config has it called and, if the profile has its own identity or flags are given, as asked.
	calls := []profile.Call{files.Registered(asked.Profile)}
	if asked.Flags != (profile.Flags{}) {
		owner.Flags = asked.Flags
	}
	if owner != calls[0] {
		calls = append(calls, owner)
	}
	cached := 0
	for _, call := range calls {
		n, err := forget(ctx, a, files, call)
		if err != nil {
			return err
		}
		cached += n
	}
	if cached == 0 {
		return a.print(fmt.Appendf(nil, "No session was cached for profile %s\n", fault.Printable(asked.Profile)))
	}
	return a.print(fmt.Appendf(nil, "Deleted %s of profile %s from this computer; AWS honours them until they expire\n", counted(cached, "session"), fault.Printable(asked.Profile)))
}

// forget deletes the sessions of call and returns how many were cached.
func forget(ctx context.Context, a *app, files *profile.Files, call profile.Call) (cached int, err error) {
	w, err := a.openIn(files, getOptions{Call: call})
	if err != nil {
		return 0, err
	}
	if err := w.ready(); err != nil {
		return 0, err
	}
	for _, status := range w.broker.Status(w.Plan) {
		if !status.Expires.IsZero() {
			cached++
		}
	}
	ids := w.broker.Forget(w.Plan)
	for _, id := range ids {
		err = errors.Join(err, w.Cache.Remove(id))
	}
	if err == nil {
		err = w.forgetShared(ctx, ids)
	}
	return cached, errors.Join(err, w.clock.SaveClock(rules.Clock{}))
}

func runClearAll(a *app) error {
	cached, err := a.host().OpenCache(noKey())
	if err != nil {
		return err
	}
	n, err := cached.Clear()
	if err != nil {
		return err
	}
	return a.print(fmt.Appendf(nil, "Deleted %s from this computer; AWS honours them until they expire\n", counted(n, "session")))
}
