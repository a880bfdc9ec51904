package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

// asker is the person at the terminal. Commands that ask have a form for scripts as well, so
// that nobody needs to be there.
type asker struct {
	terminal *term.Terminal // nil if there is none
	yes      bool           // --yes answers all questions
}

// asker opens the terminal, if there is one.
func (a *app) asker(yes bool) *asker {
	t, err := term.Open()
	if err != nil {
		return &asker{yes: yes}
	}
	return &asker{t, yes}
}

func (q *asker) close() {
	if q.terminal != nil {
		_ = q.terminal.Close()
	}
}

// present reports whether somebody can be asked.
func (q *asker) present() bool { return q.terminal != nil }

// line asks for something that is no secret. flag is how a script gives it.
func (q *asker) line(ctx context.Context, prompt, flag string) (string, error) {
	if !q.present() {
		return "", noTerminal(flag)
	}
	text, err := q.terminal.Line(ctx, prompt)
	return text, ended(err)
}

// secret asks for something that must not be seen.
func (q *asker) secret(ctx context.Context, prompt, flag string) (creds.Secret, error) {
	if !q.present() {
		return creds.Secret{}, noTerminal(flag)
	}
	text, err := q.terminal.Secret(ctx, prompt)
	return text, ended(err)
}

// confirm has a question answered with yes, or fails.
func (q *asker) confirm(ctx context.Context, question string) error {
	if q.yes {
		return nil
	}
	if !q.present() {
		return fault.New(fault.Usage, "", "give --yes", "there is no terminal to ask on: %s", question)
	}
	yes, err := q.terminal.Confirm(ctx, question)
	if err == nil && !yes {
		err = fault.New(fault.Usage, "", "", "nothing was changed")
	}
	return ended(err)
}

// serial asks for the serial of an MFA device. suggestion is what it probably is, or "".
func (q *asker) serial(ctx context.Context, prompt, flag, suggestion string) (string, error) {
	if suggestion != "" {
		prompt += " [" + suggestion + "]"
	}
	return insist(q, func() (string, error) { return q.line(ctx, prompt, flag) }, func(text string) (string, error) {
		return profile.CheckSerial("the serial", cmp.Or(text, suggestion))
	})
}

// tries is how often a person is asked for the same thing.
const tries = 3

// insist asks until check takes the answer, a few times at most: what is pasted for the next
// question must not go to a shell because of a typo in this one.
func insist[A, R any](q *asker, ask func() (A, error), check func(A) (R, error)) (R, error) {
	for try := 1; ; try++ {
		answer, err := ask()
		if err != nil {
			var none R
			return none, err
		}
		result, err := check(answer)
		if _, bad := errors.AsType[*fault.Error](err); !bad || try == tries {
			return result, err
		}
		q.complain(err)
	}
}

// complain shows what is wrong with an answer.
func (q *asker) complain(err error) { fmt.Fprintln(q.terminal, fault.Line(err)) }

func noTerminal(flag string) error {
	return fault.New(fault.Usage, "", "give "+flag, "there is no terminal to ask on")
}

// ended puts the end of the input into words.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Usage, "", "", "nothing was entered, and nothing was changed")
	}
	return err
}
