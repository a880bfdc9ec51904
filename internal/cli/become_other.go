//go:build !unix

package cli

import (
	"os"
	"os/exec"
)

// become runs the program at path: no other can take the place of this one here.
func become(path string, argv, env []string) error { return runChild(path, argv, env) }

// userSignals are none here.
func userSignals() []os.Signal { return nil }

// detach has nothing to do.
func detach(*exec.Cmd) {}
