package worker

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets this binary say what the guard has made of its start.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == Arg || os.Args[1] == "other") {
		if slices.Contains(os.Args, "wait") {
			time.Sleep(time.Hour)
		}
		fmt.Println(os.Getenv(variable))
		RestoreBus()
		fmt.Println(os.LookupEnv(variable))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start starts this binary with the address of a bus, if it is not "unset", and returns the address
// that the library sees, and that which its children would see.
func start(t *testing.T, address string, args ...string) (seen, children string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = []string{"XDG_RUNTIME_DIR=" + t.TempDir()}
	if address != unset {
		cmd.Env = append(cmd.Env, variable+"="+address)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	return lines[0], lines[1]
}

const unset = "unset"

func TestGuard(t *testing.T) {
	t.Parallel()
	const address = "unix:path=/some/bus"
	none := standardAddress(fmt.Sprintf("/run/user/%d", os.Getuid()))
	for _, test := range []struct {
		what, address, want string
		args                []string
	}{
		{"another command", address, dead, []string{"other"}},
		{"the worker's name elsewhere", address, dead, []string{"other", Arg}},
		{"the worker", address, address, []string{Arg}},
		{"the worker with a limit", address, address, []string{Arg, "1m"}},
		{"no bus", "", none, []string{Arg}},
		{"autolaunch", "autolaunch:", none, []string{Arg}},
		{"another command without a bus", "", dead, []string{"other"}},
		{"another command without the variable", unset, dead, []string{"other"}},
	} {
		seen, children := start(t, test.address, test.args...)
		want := test.address + " true"
		if test.address == unset {
			want = " false"
		}
		if seen != test.want || children != want {
			t.Errorf("%s: address %q, want %q; children see %q", test.what, seen, test.want, children)
		}
	}
}

func TestWorkerEndsItself(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], Arg, "10ms", "wait")
	if err := cmd.Run(); err == nil || ctx.Err() != nil {
		t.Errorf("it was still there after a minute, or ended well: %v", err)
	}
}

func TestStandardAddress(t *testing.T) {
	t.Parallel()
	socket, file, old, launch := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	listener, err := net.Listen("unix", socket+"/bus")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for path, text := range map[string]string{
		file + "/bus": "", old + "/dbus-session": "DBUS_SESSION_BUS_ADDRESS=unix:abstract=/x\n", launch + "/dbus-session": "DBUS_SESSION_BUS_ADDRESS=autolaunch:\n", file + "/dbus-session": "nonsense",
	} {
		if err := os.WriteFile(filepath.Clean(path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		dirs []string
		want string
	}{
		{[]string{socket}, "unix:path=" + socket + "/bus"},
		{[]string{"", file, launch, socket}, "unix:path=" + socket + "/bus"},
		{[]string{old, socket}, "unix:abstract=/x"},
		{[]string{file}, dead},
		{[]string{launch, "/nowhere", ""}, dead},
		{nil, dead},
	} {
		if got := standardAddress(test.dirs...); got != test.want {
			t.Errorf("%q: %q, want %q", test.dirs, got, test.want)
		}
	}
}
