package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

func newClearCommand(a *app) *cobra.Command {
	var profileName string
	var all bool
	cmd := &cobra.Command{
		Use:   "clear --profile NAME | --all",
		Short: "Forget cached sessions on this computer",
		Long: `Forget the cached sessions of a profile, or all of them, and with a profile the hold-off that follows a
refusal. The next get asks AWS. AWS itself keeps honouring a session until it expires: to end one
there, deactivate the device or the access key, or deny sessions by aws:TokenIssueTime.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if all == (profileName != "") {
				return fault.New(fault.Usage, "clear", "run: "+name+" clear --profile NAME", "give --profile or --all")
			}
			if all {
				return runClearAll(a)
			}
			return runClear(a, profileName)
		},
	}
	profileFlag(a, cmd, &profileName, "the `name` of the profile")
	cmd.Flags().BoolVar(&all, "all", false, "forget the sessions of all profiles")
	return cmd
}

func runClear(a *app, profileName string) error {
	w, err := a.wire(profileName, profile.Flags{})
	if err != nil {
		return err
	}
	if err := w.ready(); err != nil {
		return err
	}
	for _, id := range w.broker.Forget(w.plan) {
		if err := w.cache.Remove(id); err != nil {
			return err
		}
	}
	return a.print([]byte("forgot the sessions of profile " + profileName + " on this computer; AWS honours them until they expire\n"))
}

func runClearAll(a *app) error {
	cached, err := a.openCache(secrets{})
	if err != nil {
		return err
	}
	n, err := cached.Clear()
	if err != nil {
		return err
	}
	return a.print(fmt.Appendf(nil, "forgot %d sessions on this computer; AWS honours them until they expire\n", n))
}
