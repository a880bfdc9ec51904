package worker

import (
	"os"
	"strconv"
	"strings"
)

const (
	variable = "DBUS_SESSION_BUS_ADDRESS"

	// dead is an address with a transport that does not exist: dialling it fails at once.
	dead = "none:"

	// autolaunch is the address that asks for a bus to be started.
	autolaunch = "autolaunch:"
)

// before is the address of the bus that this process was started with.
var before, given = os.LookupEnv(variable) //nolint:gochecknoglobals,forbidigo // known before init only

// shut keeps the library from any bus.
func shut() { setAddress(dead) }

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
