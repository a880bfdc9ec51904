package cli

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/clipboard"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

type codeOptions struct {
	profile, serial   string
	watch, pair, copy bool
}

func newCodeCommand(a *app) *cobra.Command {
	var o codeOptions
	cmd := &cobra.Command{
		Use:   "code [NAME]",
		Short: "Print the current token code of the MFA device",
		Long: `Print the current six-digit token code, for the console or for another program. AWS accepts a code
only once: if this computer has already used it, a warning says so. Printing a code does not mark
it as used.`,
		Example: `  aws-mfa-creds code --profile work --copy
  aws-mfa-creds code --profile work --pair`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCode(cmd.Context(), a, o) },
	}
	profileFlag(cmd, &o.profile)
	serialFlag(cmd, &o.serial, "the first")
	cmd.Flags().BoolVar(&o.watch, "watch", false, "show the current code with a countdown, and the next one, until you press Ctrl-C")
	cmd.Flags().BoolVar(&o.pair, "pair", false, "print two consecutive codes: those of the previous and the current time step, as the console asks for")
	cmd.Flags().BoolVar(&o.copy, "copy", false, "copy the code to the clipboard instead of printing it")
	cmd.MarkFlagsMutuallyExclusive("watch", "pair", "copy")
	return cmd
}

func runCode(ctx context.Context, a *app, o codeOptions) error {
	w, err := a.openDevice(o.profile)
	if err != nil {
		return err
	}
	if (o.watch || o.pair) && w.CodeFromProgram() {
		return fault.New(fault.Usage, "code", "run: "+program+" code --profile NAME", "mfa_process prints the current code only, so --watch and --pair are not possible")
	}
	if o.serial, err = ofPool(w.Settings.Devices(), o.serial); err != nil {
		return err
	}
	codes, err := w.Codes(ctx, o.serial)
	if err != nil {
		return err
	}
	if o.watch {
		return watchCodes(ctx, w, o.serial, codes)
	}
	step, left, spent, err := w.broker.CurrentStep(o.serial)
	if err != nil {
		return err
	}
	if skew := w.clock.Skew(); skew.Abs() >= totp.Period {
		fmt.Fprintf(a.stderr, "%s: warning: AWS's last answer was %s off this machine's clock, and the code is for its time; if the clock is right: %s clear --profile %s\n",
			program, fault.About(skew), program, fault.Shell(o.profile))
	}
	if spent {
		fmt.Fprintf(a.stderr, "%s: warning: this code was already used; the next one comes in %s\n", program, fault.About(left.Truncate(time.Second)+time.Second))
	}
	return a.giveCode(ctx, codes, step, o)
}

// giveCode prints or copies the code of step.
func (a *app) giveCode(ctx context.Context, codes session.Codes, step totp.Step, o codeOptions) error {
	code, err := codes.Code(ctx, step)
	if err != nil {
		return err
	}
	text := code.Reveal() + "\n"
	switch {
	case o.copy:
		if err = a.clipboard().Copy(ctx, code); err == nil {
			fmt.Fprintf(a.stderr, "%s: copied the code to the clipboard\n", program)
		}
		return err
	case o.pair:
		before, err := codes.Code(ctx, step-1)
		if err != nil {
			return err
		}
		text = before.Reveal() + "\n" + text
	}
	return a.print([]byte(text))
}

func (a *app) clipboard() clipboard.Clipboard {
	return clipboard.Clipboard{Getenv: a.getenv, OS: runtime.GOOS}
}

const barWidth = 15 // of the countdown, in characters: two seconds each

// watchCodes shows the current code, how long it lasts, and the next one, on one line of the
// terminal, until interrupted. The line is erased at the end.
func watchCodes(ctx context.Context, w *opened, serial string, codes session.Codes) error {
	terminal, err := term.Open()
	if err != nil {
		return fault.New(fault.Usage, "code --watch", "run: "+program+" code --profile NAME", "there is no terminal to show it on")
	}
	defer terminal.Close()
	ctx, cancel := untilInterrupted(ctx, personPatience)
	defer cancel()
	defer func() { _ = terminal.Status() }()
	for {
		step, left, spent, err := w.broker.CurrentStep(serial)
		if err != nil {
			return err
		}
		lines, err := watchLines(ctx, codes, step, left, spent)
		if err != nil {
			return err
		}
		if err := terminal.Status(lines...); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

// watchLines is what is shown while left remains of step, in windows of all widths.
func watchLines(ctx context.Context, codes session.Codes, step totp.Step, left time.Duration, spent bool) ([]string, error) {
	code, err := codes.Code(ctx, step)
	if err != nil {
		return nil, err
	}
	next, err := codes.Code(ctx, step+1)
	if err != nil {
		return nil, err
	}
	note := ""
	if spent {
		note = "  (used)"
	}
	current, seconds, following := code.Reveal()+note, fmt.Sprintf("%2d s", int(left.Seconds())+1), "  next: "+next.Reveal()
	return []string{current + "  " + bar(left) + " " + seconds + following, current + "  " + seconds + following, current + "  " + seconds, current, code.Reveal()}, nil
}

// bar draws how much of a time step is left.
func bar(left time.Duration) string {
	full := min(max(int(left*barWidth/totp.Period), 0), barWidth)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", barWidth-full) + "]"
}
