// Package busguard stands between this program and the start-up of the keyring library,
// whose init() dials the D-Bus session bus in every process, launches a bus where there is none,
// and hangs where the bus hangs, before main and whatever the command. It allows that in one
// process alone, the keyring worker, which is killed when it takes too long.
//
// It works by running first: since Go 1.21 packages that are ready are initialised in the order
// of their import paths, and this one needs nothing but the standard library and sorts before
// github.com/godbus/dbus, which the library has to wait for.
package busguard

import (
	"os"
	"time"
)

// WorkerArg is the first argument of the one process that may use the session bus. The second,
// where there is one, is the time after which it ends itself, as time.Duration writes it.
const WorkerArg = "keyring-worker"

// overtime is how long after its limit a worker still waits for its parent to kill it.
const overtime = time.Second

func init() { //nolint:gochecknoinits // it has to run before the init() it guards against
	if len(os.Args) < 2 || os.Args[1] != WorkerArg {
		shut()
		return
	}
	if len(os.Args) > 2 {
		endAfter(os.Args[2])
	}
	admit()
}

// endAfter ends this worker after limit, for the case that its parent was killed and nobody
// else will, even if the bus hangs and main is never reached.
func endAfter(limit string) {
	if d, err := time.ParseDuration(limit); err == nil {
		time.AfterFunc(d+overtime, end)
	}
}
