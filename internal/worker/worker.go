// Package worker keeps the keyring library off the D-Bus session bus while Go initializes it: the
// library's init dials the bus in every process, whatever the command. It starts a bus where there is
// none, and hangs where the bus hangs. Only the keyring worker, which is killed when it takes too long,
// may do that.
//
// It works by running first: since Go 1.21, packages that are ready are initialized in the order of
// their import paths. This one needs only the standard library, and sorts before
// github.com/godbus/dbus, which the library has to wait for; and behind internal/warm, which needs no bus
// and ends the process if it can.
package worker

import (
	"os"
	"time"
)

// Arg is the first argument of the one process that may use the session bus, the keyring
// worker. The second, if there is one, is how long it may take, as a time.Duration.
const Arg = "keyring-worker"

// overtime is how long after its limit a worker waits for its parent to kill it.
const overtime = time.Second

func init() { //nolint:gochecknoinits // it has to run before the init() it guards against
	if len(os.Args) < 2 || os.Args[1] != Arg {
		shut()
		return
	}
	if len(os.Args) > 2 {
		endAfter(os.Args[2])
	}
	admit()
}

// endAfter ends this worker after limit in case its parent was killed, even if the bus hangs and
// main is never reached.
func endAfter(limit string) {
	if d, err := time.ParseDuration(limit); err == nil {
		time.AfterFunc(d+overtime, func() {
			os.Exit(1) //nolint:forbidigo // there may be no main to return to
		})
	}
}
