// Package cli is the command line: one file for each command, with its flags, its wording and its exit
// codes. The command get is in get.go; open.go puts a profile together with everything that serves it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/worker"
)

const program = "aws-mfa-creds"

// Main runs the command that the process was started with and returns its exit code. Version is that of
// a release, or "".
func Main(version string) int {
	if len(os.Args) > 1 && os.Args[1] == ring.WorkerArg {
		return ring.Worker(os.Stdin, os.Stdout) //nolint:forbidigo // a child of this program that talks to a keyring
	}
	worker.RestoreBus()
	if len(os.Args) > 1 && os.Args[1] == agefile.WorkerArg {
		return agefile.Worker(os.Stdin, os.Stdout) //nolint:forbidigo // a child of this program that runs an age plugin
	}
	getenv := child.TakeSecrets()
	log.SetOutput(io.Discard) // net/http logs there what strange servers send
	return run(&app{
		version: version,
		args:    os.Args[1:],
		stdin:   os.Stdin,
		stdout:  os.Stdout, //nolint:forbidigo // passed on from here
		stderr:  os.Stderr,
		getenv:  getenv,
		now:     time.Now, //nolint:forbidigo // passed on from here
	})
}

// app is the process as its commands see it.
type app struct {
	version        string
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string // of the environment with the secrets that are kept from child processes
	now            func() time.Time

	ask     asker        // of an interactive command
	debug   bool         // --debug
	call    profile.Call // --profile and the flags of get, for what errors say to type
	started bool         // a command's own code has begun: the command line was in order
	unsaid  error        // why stdout could not be written, if it could not
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
		fmt.Fprintf(a.stderr, "%s: error: internal: this is a bug in %s; please report it: %s\n", program, program, issuesURL)
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
	if len(a.args) > 1 && strings.HasPrefix(a.args[0], "__complete") {
		completions(a, root)
	}
	cmd, err := root, oneDash(root, a.args)
	if err == nil {
		cmd, err = root.ExecuteC()
	}
	if err == nil {
		err = a.unsaid
	}
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*fault.Error](err); !ok && !a.started {
		err = mistake(cmd, a.args, err)
	}
	return a.fail(err)
}

const issuesURL = "https://github.com/aws-mfa-creds/aws-mfa-creds/issues"

// fail prints err to stderr and returns its exit code.
func (a *app) fail(err error) int {
	if interrupt, ok := errors.AsType[interruptError](err); ok {
		return interrupt.exitCode()
	}
	if exit, ok := errors.AsType[exitError](err); ok {
		return int(exit)
	}
	if a.unsaid != nil && a.getting() {
		return int(fault.Internal) // the consumer is gone, and wants to hear nothing
	}
	remedy := fault.Remedy(err)
	if a.call.Profile != "" {
		remedy = fault.Escape(a.call.Remedy(remedy))
	}
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

// withRemedy returns err with another remedy.
func withRemedy(err error, remedy string) error {
	failure, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	return fault.New(failure.Kind, failure.Thing, remedy, "%s", failure.Cause)
}

// getting reports whether this is a credential process, whose consumer shows or logs only one
// line.
func (a *app) getting() bool {
	verb := slices.IndexFunc(a.args, func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	return verb >= 0 && a.args[verb] == "get"
}

// Write writes to stdout, in one write. That it has failed once makes the process fail, even where nobody
// looks at the error: a script must not take what is missing for all there is.
func (a *app) Write(text []byte) (int, error) {
	n, err := a.stdout.Write(text)
	if err != nil && a.unsaid == nil {
		a.unsaid = fault.New(fault.Internal, "stdout", "", "cannot be written: %s", securefile.Reason(err))
	}
	return n, err
}

// print writes text to stdout in one write.
func (a *app) print(text []byte) error {
	_, _ = a.Write(text)
	return a.unsaid
}

// say prints lines to stdout, all of them printable.
func (a *app) say(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format+"\n", args...)) {
		fmt.Fprintln(a, fault.Escape(strings.TrimSuffix(line, "\n")))
	}
}

// inOrder takes steps until one fails.
func inOrder(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
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

// exitError is the exit code of a command that has run in the place of this program, which is to be passed on.
type exitError int

func (exitError) Error() string { return "the command has ended" }

func homeOfUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.HomeDir
}

// untilInterrupted returns a context that ends after limit, or when a signal asks the
// process to stop; its cause is an interruptError then. SIGQUIT is one of them: the terminal is put
// in order, and a person is not shown the stacks of Go.
func untilInterrupted(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // as nohup wants it
			signal.Notify(signals, s)
		}
	}
	ctx, interrupt := context.WithCancelCause(ctx)
	ctx, cancel := context.WithTimeout(ctx, limit)
	go func() {
		select {
		case s := <-signals:
			interrupt(interruptError{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		signal.Stop(signals)
	}
}

// errOrphaned ends a wait nobody waits for any more.
var errOrphaned = errors.New("the process that started this one is gone")

// watchParent is how often a wait looks whether its consumer is still there.
const watchParent = 500 * time.Millisecond

// sleeper returns a function that waits for d. It ends early with ctx, and when the
// parent process has gone: the Go SDK kills only the shell between us, and what would
// be minted after a long wait then has no reader.
func sleeper(parent func() int) func(ctx context.Context, d time.Duration) error {
	born := parent()
	return func(ctx context.Context, d time.Duration) error {
		for end := time.Now().Add(d); ; { //nolint:forbidigo // a timer's own clock, monotonic
			left := time.Until(end)
			if left <= 0 {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(min(left, watchParent)):
			}
			if parent() != born {
				return errOrphaned
			}
		}
	}
}
