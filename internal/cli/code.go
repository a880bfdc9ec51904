package cli

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/clipboard"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

type codeOptions struct {
	profile           string
	watch, pair, copy bool
}

func newCodeCommand(a *app) *cobra.Command {
	var o codeOptions
	cmd := &cobra.Command{
		Use:   "code --profile NAME",
		Short: "Print the current token code of the profile's MFA device",
		Long: `Print the current six-digit token code, for the console or for another program. AWS takes
a code only once: a code that this computer has used already is printed with a warning. Printing one
does not mark it as used.

With --pair, print the codes of the last time step and of the current one, as the console wants two consecutive
codes when a device is assigned or resynchronised.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCode(cmd.Context(), a, o)
		},
	}
	profileFlag(a, cmd, &o.profile, "the `name` of the profile")
	cmd.Flags().BoolVar(&o.watch, "watch", false, "show the current code with a countdown, and the next one, until interrupted")
	cmd.Flags().BoolVar(&o.pair, "pair", false, "print two consecutive codes")
	cmd.Flags().BoolVar(&o.copy, "copy", false, "put the code onto the clipboard instead of printing it")
	cmd.MarkFlagsMutuallyExclusive("watch", "pair", "copy")
	return cmd
}

func runCode(ctx context.Context, a *app, o codeOptions) error {
	w, err := a.openDevice("code", o.profile)
	if err != nil {
		return err
	}
	if (o.watch || o.pair) && w.codeFromProgram() {
		return fault.New(fault.Usage, "code", "run: "+program+" code --profile NAME", "mfa_process prints the current code only, so --watch and --pair cannot be had")
	}
	codes, err := w.Codes(ctx)
	if err != nil {
		return err
	}
	if o.watch {
		return a.watchCodes(ctx, w, codes)
	}
	step, spent := w.broker.CurrentStep(w.plan)
	if spent {
		left := step.End().Sub(w.broker.AWSTime())
		fmt.Fprintf(a.stderr, "%s: warning: this code is spent already, the next one comes in %d s\n", program, int(left.Seconds())+1)
	}
	if o.pair {
		return a.printCodes(ctx, codes, step-1, step)
	}
	if o.copy {
		return a.copyCode(ctx, codes, step)
	}
	return a.printCodes(ctx, codes, step)
}

// printCodes prints the codes of steps, one a line, in one write.
func (a *app) printCodes(ctx context.Context, codes session.Codes, steps ...totp.Step) error {
	text := ""
	for _, step := range steps {
		code, err := codes(ctx, step)
		if err != nil {
			return err
		}
		text += code.Reveal() + "\n"
	}
	return a.print([]byte(text))
}

func (a *app) copyCode(ctx context.Context, codes session.Codes, step totp.Step) error {
	code, err := codes(ctx, step)
	if err != nil {
		return err
	}
	if err := a.clipboard().Copy(ctx, code); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s: the code is on the clipboard\n", program)
	return nil
}

func (a *app) clipboard() clipboard.Clipboard {
	return clipboard.Clipboard{Env: child.WithoutSecrets(a.environ()), OS: runtime.GOOS}
}
