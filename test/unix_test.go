//go:build unix

package test

import (
	"os/exec"
	"testing"
	"time"
)

// need skips the test if a program is missing, loudly, or fails it in CI.
func need(t *testing.T, program, howToGet string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	missing(t, program, howToGet)
	return ""
}

// needNamespaces skips the test if a command that did nothing in namespaces of its own has failed, as some kernels
// and containers have it, or fails it in CI.
func needNamespaces(t *testing.T, tried outcome) {
	t.Helper()
	if tried.code != 0 {
		missing(t, "the right to make namespaces", tried.stderr)
	}
}

// eventually waits until what is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}
