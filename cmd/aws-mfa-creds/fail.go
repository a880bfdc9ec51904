package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const issuesURL = "https://github.com/aws-mfa-creds/aws-mfa-creds/issues"

// fail tells err on stderr and returns the exit code for it. A command line that
// never reached a command's own code is a usage error.
func (a *app) fail(err error) int {
	if interrupt, ok := errors.AsType[interruptError](err); ok {
		return interrupt.exitCode()
	}
	if errors.Is(err, errOutput) {
		return int(fault.Internal) // whoever read stdout is gone: there is nobody to tell
	}
	if _, ok := errors.AsType[*fault.Error](err); !ok && !a.started {
		err = fault.New(fault.Usage, "", "run: "+name+" --help", "%v", err)
	}
	if a.oneLine {
		fmt.Fprintf(a.stderr, "%s: error: %s\n", name, fault.Line(err))
		return int(fault.KindOf(err))
	}
	fmt.Fprintf(a.stderr, "%s: error: %s\n", name, fault.Text(err))
	if remedy := fault.Remedy(err); remedy != "" {
		fmt.Fprintf(a.stderr, "%s: hint: %s\n", name, remedy)
	}
	return int(fault.KindOf(err))
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
