package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const program = "aws-mfa-creds"

// app is the process as its commands see it.
type app struct {
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
