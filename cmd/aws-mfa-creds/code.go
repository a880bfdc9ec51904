package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

func newCodeCommand(a *app) *cobra.Command {
	var profileName string
	cmd := &cobra.Command{
		Use:   "code --profile NAME",
		Short: "Print the current token code of the profile's MFA device",
		Long: `Print the current six-digit token code, for the console or for another program. AWS takes
a code only once: a code that this computer has used already is printed with a warning.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCode(cmd.Context(), a, profileName)
		},
	}
	profileFlag(a, cmd, &profileName, "the `name` of the profile")
	return cmd
}

func runCode(ctx context.Context, a *app, profileName string) error {
	a.profile = profileName
	if profileName == "" {
		return fault.New(fault.Usage, "code", "run: "+program+" code --profile NAME", "--profile is missing")
	}
	w, err := a.wire(profileName, profile.Flags{})
	if err != nil {
		return err
	}
	if err := w.ready(); err != nil {
		return err
	}
	seed, err := w.secrets.Seed(ctx)
	if err != nil {
		return err
	}
	step, spent := w.broker.CurrentStep(w.plan)
	if spent {
		left := step.End().Sub(w.broker.AWSTime())
		fmt.Fprintf(a.stderr, "%s: warning: this code is spent already, the next one comes in %d s\n", program, int(left.Seconds())+1)
	}
	return a.print([]byte(seed.Code(step).Reveal() + "\n"))
}
