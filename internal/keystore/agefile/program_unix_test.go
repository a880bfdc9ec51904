//go:build unix

package agefile

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// program returns the path of a program that the test needs.
func program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: install the Debian package %s", name, debian)
	}
	if err != nil {
		t.Skipf("%s is missing: install the Debian package %s", name, debian)
	}
	return path
}

// run runs a program and returns its stdout.
func run(t testing.TB, name, debian string, args ...string) string {
	t.Helper()
	return runWith(t, nil, name, debian, args...)
}

func runWith(t testing.TB, stdin []byte, name, debian string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, name, debian), args...)
	cmd.Stdin = strings.NewReader(string(stdin))
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%s %q: %v: %s", name, args, err, exit.Stderr)
	}
	must(t, err)
	return string(out)
}
