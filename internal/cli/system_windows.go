package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// shortPath returns path with the 8.3 name of its directory, if that has a space and the disk keeps such names: the
// Go SDK and Terraform pass a credential_process to cmd.exe in a way that it runs no program in quotation marks.
func shortPath(path string) string {
	dir, file := filepath.Split(path)
	name, err := syscall.UTF16FromString(dir)
	if err != nil || !strings.Contains(dir, " ") {
		return path
	}
	short := make([]uint16, len(name))
	n, err := syscall.GetShortPathName(&name[0], &short[0], uint32(len(short))) //nolint:gosec // the length of a path
	if err != nil || n == 0 || int(n) >= len(short) {
		return path
	}
	return syscall.UTF16ToString(short) + file
}

// become runs the program at path: no other can take the place of this one here.
func become(path string, argv, env []string) error { return runChild(path, argv, env) }

// userSignals are none here.
func userSignals() []os.Signal { return nil }

// detach has nothing to do.
func detach(*exec.Cmd) {}
