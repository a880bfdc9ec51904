// Package cli is the command line: one file a command, with its flags, its wording and its exit codes.
package cli

import (
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/harden"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/busguard"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
)

const program = "aws-mfa-creds"

// Main runs the command that the process was started with and returns its exit code. Version is that of
// a release, or "".
func Main(version string) int {
	harden.Process()
	if len(os.Args) > 1 && os.Args[1] == ring.WorkerArg {
		return ring.Worker(os.Stdin, os.Stdout) // a child of this program that talks to a keyring
	}
	log.SetOutput(io.Discard) // net/http logs there what strange servers send
	return run(&app{
		version: version,
		args:    os.Args[1:],
		stdin:   os.Stdin,
		stdout:  os.Stdout, //nolint:forbidigo // passed on from here
		stderr:  os.Stderr,
		getenv:  os.Getenv, //nolint:forbidigo // passed on from here
		environ: busguard.Environ,
		now:     time.Now, //nolint:forbidigo // passed on from here
	})
}

// app is the process as its commands see it.
type app struct {
	version        string
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string // the whole environment, for programs that are started
	now            func() time.Time

	debug   bool   // --debug
	profile string // --profile, for what errors say to type
	started bool   // a command's own code has begun: the command line was in order
}

// log returns the logger: silent unless --debug was given, and always on stderr.
func (a *app) log() *slog.Logger {
	if !a.debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// run runs the command that the arguments name and returns the exit code.
func run(a *app) (code int) {
	defer func() {
		if recover() == nil {
			return
		}
		// The value of a panic may hold anything, so it is not shown; the stack has addresses only.
		fmt.Fprintf(a.stderr, "%s: error: internal: a defect in %s; please report it: %s\n", program, program, issuesURL)
		if a.debug {
			fmt.Fprintf(a.stderr, "%s", debug.Stack())
		}
		code = int(fault.Internal)
	}()
	if slices.Equal(a.args, []string{"--version"}) {
		a.args = []string{"version"} // what people try first
	}
	root := newRootCommand(a)
	root.SetArgs(a.args)
	cmd, err := root.ExecuteC()
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*fault.Error](err); !ok && !a.started {
		err = fault.New(fault.Usage, "", "run: "+cmd.CommandPath()+" --help", "%v", err)
	}
	return a.fail(err)
}
