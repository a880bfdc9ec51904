// Package mfaprocess gets token codes from the user's own program, such as one that asks a YubiKey, a
// password manager or a vault, so that the seed is never stored on this computer. The setting is called
// mfa_process, as in aws-vault.
package mfaprocess

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const (
	// patience is how long the program may take. There may be a button to touch.
	patience = 20 * time.Second

	// maxOutput is far more than six digits need, in bytes.
	maxOutput = 64

	digits = 6
)

// Source is a program that prints the current token code.
type Source struct {
	Argv  []string // the program and its arguments; no shell sees them
	Env   []string // beside the environment of this process, see child.Program
	Place string   // where the setting stands, for errors: "path:line"
}

// Code runs the program and returns the code it prints: six digits, on a line of their
// own or not. The error, a *fault.Error of kind NoSecret, Store (it took too long) or Config (it
// cannot be run), names the program without its arguments, and shows nothing of what it printed. If
// ctx is cancelled, the error is its cause.
func (s Source) Code(ctx context.Context) (creds.Secret, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := child.Program{Argv: s.Argv, Env: s.Env, Limit: maxOutput}.Run(limited)
	defer clear(out)
	if cause := context.Cause(ctx); cause != nil && errors.Is(ctx.Err(), context.Canceled) {
		return creds.Secret{}, cause
	}
	if err != nil {
		return creds.Secret{}, s.failure(err)
	}
	code := creds.Text(out)
	if problem := wrong(code); problem != "" {
		return creds.Secret{}, s.fault(fault.NoSecret, "it has to print the six digits of the current code and nothing else", "%s", problem)
	}
	return creds.NewSecret(code), nil
}

// failure puts err, of running the program, into words.
func (s Source) failure(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return s.fault(fault.NoSecret, "run it by hand to see why", "it failed (%s)", exit.ProcessState)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return s.fault(fault.Store, "run it by hand to see why", "it did not print a code within %s", patience)
	case errors.Is(err, child.ErrTooMuch):
		return s.fault(fault.NoSecret, "it has to print the six digits of the current code and nothing else", "it printed more than %d bytes", maxOutput)
	case errors.Is(err, exec.ErrNotFound):
		return s.fault(fault.Config, "write its absolute path: consumers may run us without your PATH", "it is not on PATH")
	}
	return s.fault(fault.Config, "see that it exists and may be run", "it cannot be run")
}

func (s Source) fault(kind fault.Kind, remedy, format string, args ...any) error {
	return fault.New(kind, s.Place, remedy, "mfa_process %q: %s", fault.Conceal(s.Argv[0]), fmt.Sprintf(format, args...))
}

// wrong says why code is none, without showing it.
func wrong(code string) string {
	switch {
	case code == "":
		return "it printed nothing"
	case strings.Trim(code, "0123456789") != "":
		return "it printed something else than digits"
	case len(code) != digits:
		return fmt.Sprintf("it printed %d digits, and a code of AWS has %d", len(code), digits)
	}
	return ""
}
