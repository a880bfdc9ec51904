package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

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
