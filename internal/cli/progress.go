package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// progress shows on the terminal what a flow is doing. A wait is counted down on one line. Without
// a terminal only the first wait is told of.
func (c *caretaker) progress(e enroll.Event) {
	if !c.ask.present() {
		c.tellWait(e)
		return
	}
	if e.Stage == enroll.Waiting {
		text := rewind + erase
		if e.Left > 0 {
			text = fmt.Sprintf("%swaiting for %s: %d s%s", rewind, e.Thing, int(e.Left.Seconds()), erase)
		}
		fmt.Fprint(c.ask.terminal, text)
		return
	}
	if words := stageWords(e.Stage); words != "" {
		fmt.Fprintf(c.ask.terminal, words+"\n", fault.Printable(e.Thing))
	}
}

func (c *caretaker) tellWait(e enroll.Event) {
	if e.Stage != enroll.Waiting || e.Left == 0 || c.waited {
		return
	}
	c.waited = true
	fmt.Fprintf(c.stderr, "%s: waiting up to %d s for %s\n", program, int(e.Left.Seconds()), e.Thing)
}

// countdown is a sleep that is shown on the terminal, unless it is short.
func (c *caretaker) countdown(sleep func(context.Context, time.Duration) error) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		if d < time.Second {
			return sleep(ctx, d)
		}
		defer c.progress(enroll.Event{Stage: enroll.Waiting})
		for end := c.now().Add(d); ; {
			left := end.Sub(c.now())
			if left <= 0 {
				return nil
			}
			c.progress(enroll.Event{Stage: enroll.Waiting, Thing: "the next token code", Left: left.Truncate(time.Second) + time.Second})
			if err := sleep(ctx, min(left, time.Second)); err != nil {
				return err
			}
		}
	}
}

func stageWords(s enroll.Stage) string {
	return map[enroll.Stage]string{
		enroll.Resuming:       "going on with an earlier run of %s that did not finish",
		enroll.Making:         "making %s in IAM",
		enroll.Storing:        "storing the secret of %s",
		enroll.Enabling:       "enabling %s",
		enroll.Proving:        "getting a session with %s",
		enroll.Resyncing:      "resynchronising %s",
		enroll.Undoing:        "taking back %s",
		enroll.Kept:           "%s could not be taken back: the next run will use it",
		enroll.RemovingDevice: "removing %s",
		enroll.Orphaned:       "%s is enabled for nobody, and this user may not delete it: ask an administrator",
		enroll.DisablingKey:   "making access key %s inactive",
		enroll.DeletingKey:    "deleting access key %s",
		enroll.Spreading:      "waiting until AWS knows access key %s everywhere",
	}[s]
}

// confirmLast has a person type the name of a user whose last MFA device is about to go.
func (c *caretaker) confirmLast(ctx context.Context, last enroll.LastDevice) error {
	if c.ask.yes {
		return nil
	}
	what := "is the last MFA device of"
	if !last.Sure {
		what = "may be the last MFA device of"
	}
	prompt := fmt.Sprintf("%s %s user %s, who may then be locked out of everything that wants MFA.\nType the name of the user to remove it", last.Serial, what, last.User)
	answer, err := c.ask.line(ctx, prompt, "--yes")
	if err != nil {
		return err
	}
	if answer != last.User {
		return fault.New(fault.Usage, "", "", "nothing was changed")
	}
	return nil
}
