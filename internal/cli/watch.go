package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// The line that is shown over and over: carriage return, and erase to the end of the line
// (ECMA-48, EL).
const (
	rewind = "\r"
	erase  = "\x1b[K"
)

const barWidth = 15 // of the countdown, in characters: two seconds each

// watchCodes shows the current code, how long it lasts, and the next one, on one line of the
// terminal, until interrupted. The line is erased at the end.
func (a *app) watchCodes(ctx context.Context, w *opened, codes session.Codes) error {
	terminal, err := term.Open()
	if err != nil {
		return fault.New(fault.Usage, "code --watch", "run: "+program+" code --profile NAME", "there is no terminal to show it on")
	}
	defer func() { _ = terminal.Close() }()
	ctx, cancel := untilInterrupted(ctx, personPatience)
	defer cancel()
	defer func() { _, _ = fmt.Fprint(terminal, rewind+erase) }()
	for {
		step, spent := w.broker.CurrentStep(w.plan)
		line, err := watchLine(ctx, codes, step, w.broker.AWSTime(), spent)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(terminal, rewind+line+erase); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

// watchLine is what is shown at now, AWS's time.
func watchLine(ctx context.Context, codes session.Codes, step totp.Step, now time.Time, spent bool) (string, error) {
	code, err := codes(ctx, step)
	if err != nil {
		return "", err
	}
	next, err := codes(ctx, step+1)
	if err != nil {
		return "", err
	}
	left := step.End().Sub(now)
	note := ""
	if spent {
		note = "  (spent)"
	}
	return fmt.Sprintf("%s%s  %s %2d s  next: %s", code.Reveal(), note, bar(left), int(left.Seconds())+1, next.Reveal()), nil
}

// bar draws how much of a time step is left.
func bar(left time.Duration) string {
	full := min(max(int(left*barWidth/totp.Period), 0), barWidth)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", barWidth-full) + "]"
}
