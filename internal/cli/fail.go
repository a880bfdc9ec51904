package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const issuesURL = "https://github.com/aws-mfa-creds/aws-mfa-creds/issues"

// fail tells err on stderr and returns the exit code for it.
func (a *app) fail(err error) int {
	if interrupt, ok := errors.AsType[interruptError](err); ok {
		return interrupt.exitCode()
	}
	if errors.Is(err, errOutput) {
		return int(fault.Internal) // whoever read stdout is gone: there is nobody to tell
	}
	remedy := a.named(fault.Remedy(err))
	switch {
	case remedy == "":
		fmt.Fprintf(a.stderr, "%s: error: %s\n", program, fault.Text(err))
	case a.getting():
		fmt.Fprintf(a.stderr, "%s: error: %s; %s\n", program, fault.Text(err), remedy)
	default:
		fmt.Fprintf(a.stderr, "%s: error: %s\n%s: hint: %s\n", program, fault.Text(err), program, remedy)
	}
	return int(fault.KindOf(err))
}

// getting reports whether this is a credential process, whose consumer shows or logs only one
// line.
func (a *app) getting() bool {
	verb := slices.IndexFunc(a.args, func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	return verb >= 0 && a.args[verb] == "get"
}

// named puts the profile into a remedy that was written without knowing it.
func (a *app) named(remedy string) string {
	if a.profile == "" {
		return remedy
	}
	return strings.ReplaceAll(remedy, "--profile NAME", "--profile "+fault.Printable(fault.Shell(a.profile)))
}

// errOutput says that stdout could not be written.
var errOutput = errors.New("stdout could not be written")

// print writes text to stdout in one write.
func (a *app) print(text []byte) error {
	if _, err := a.stdout.Write(text); err != nil {
		return errOutput
	}
	return nil
}

// interruptError is the end of a process that a signal asked for.
type interruptError struct{ signal os.Signal }

func (e interruptError) Error() string { return e.signal.String() }

// exitCode is what a shell reports for a process that the signal killed.
func (e interruptError) exitCode() int {
	if number, ok := e.signal.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return int(fault.Internal)
}
