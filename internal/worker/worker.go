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
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Arg is the first argument of the one process that may use the session bus, the keyring
// worker. The second, if there is one, is how long it may take, as a time.Duration.
const Arg = "keyring-worker"

// overtime is how long after its limit a worker waits for its parent to kill it.
const overtime = time.Second

func init() { //nolint:gochecknoinits // it has to run before the init() it guards against
	isWorker := len(os.Args) > 1 && os.Args[1] == Arg
	if isWorker && len(os.Args) > 2 {
		endAfter(os.Args[2])
	}
	switch {
	case runtime.GOOS != "linux": // where the library has no use for D-Bus
	case isWorker:
		admit()
	default:
		setAddress(dead)
	}
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

const (
	variable = "DBUS_SESSION_BUS_ADDRESS"

	// dead is an address with a transport that does not exist: dialling it fails at once.
	dead = "none:"

	// autolaunch is the address that asks for a bus to be started.
	autolaunch = "autolaunch:"
)

// before is the address of the bus that this process was started with.
var before, given = os.LookupEnv(variable) //nolint:gochecknoglobals,forbidigo // known before init only

// RestoreBus gives the programs that this process starts the address of the bus back. Main calls it once
// every package is initialised.
func RestoreBus() {
	if given {
		setAddress(before)
	} else {
		_ = os.Unsetenv(variable) // fails for invalid names only
	}
}

// admit lets this process use the bus that there is, and keeps it from launching one.
func admit() {
	if address := os.Getenv(variable); address == "" || strings.HasPrefix(address, autolaunch) { //nolint:forbidigo // it runs before main could pass the environment
		setAddress(standardAddress(os.Getenv("XDG_RUNTIME_DIR"), "/run/user/"+strconv.Itoa(os.Getuid()))) //nolint:forbidigo // as above
	}
}

func setAddress(address string) {
	_ = os.Setenv(variable, address) // fails for invalid names and values only
}

// standardAddress returns the address of the bus in the first of the run-time directories that
// has one, or a dead one. The file dbus-session is how Ubuntu 16.04 names its bus.
func standardAddress(dirs ...string) string {
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir + "/bus"); err == nil && info.Mode()&os.ModeSocket != 0 { //nolint:gosec // the user's own directory
			return "unix:path=" + dir + "/bus"
		}
		text, _ := os.ReadFile(dir + "/dbus-session") //nolint:gosec // as above
		line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		if address, ok := strings.CutPrefix(strings.TrimSpace(line), variable+"="); ok && address != "" && !strings.Contains(address, "\x00") && !strings.HasPrefix(address, autolaunch) {
			return address
		}
	}
	return dead
}
