//go:build unix

package cli

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// become replaces this program by the one at path. It returns only if that fails. As with execvp(3), the shell
// runs a script that does not say what runs it.
func become(path string, argv, env []string) error {
	err := syscall.Exec(path, argv, env) //nolint:gosec // what to run is the user's choice
	if errors.Is(err, syscall.ENOEXEC) {
		err = syscall.Exec("/bin/sh", append([]string{"/bin/sh", path}, argv[1:]...), env) //nolint:gosec // as above
	}
	return err
}

// detach gives cmd a session of its own: neither Ctrl-C nor the end of the terminal is meant for it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// userSignals mean what a program wants them to.
func userSignals() []os.Signal {
	return []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH}
}

// shortPath is for Windows.
func shortPath(path string) string { return path }
