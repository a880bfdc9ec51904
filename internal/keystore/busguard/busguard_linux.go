package busguard

import (
	"os"
	"strconv"
	"strings"
)

const (
	variable = "DBUS_SESSION_BUS_ADDRESS"

	// dead is an address of no transport there is, so that a dial fails before it asks the system.
	dead = "none:"

	// autolaunch is the address that asks for a bus to be started.
	autolaunch = "autolaunch:"
)

// original is the environment before it was changed.
var original = os.Environ() //nolint:gochecknoglobals,forbidigo // only known before init

// Environ returns the environment this process was started with, for the programs it runs: the
// address that keeps this process from the bus is none of their business.
func Environ() []string { return append([]string(nil), original...) }

// shut keeps this process from any bus.
func shut() { setAddress(dead) }

// admit lets this process use the bus that there is, and keeps it from launching one.
func admit() {
	if address := os.Getenv(variable); address == "" || strings.HasPrefix(address, autolaunch) { //nolint:forbidigo // it runs before main could pass the environment
		setAddress(standardAddress(os.Getenv("XDG_RUNTIME_DIR"), "/run/user/"+strconv.Itoa(os.Getuid()))) //nolint:forbidigo // as above
	}
}

func setAddress(address string) {
	_ = os.Setenv(variable, address) // fails for bad names and values only
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
		if address, ok := strings.CutPrefix(strings.TrimSpace(string(text)), variable+"="); ok && address != "" && !strings.HasPrefix(address, autolaunch) {
			return address
		}
	}
	return dead
}
