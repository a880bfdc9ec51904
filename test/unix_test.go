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
