//go:build unix

package child

import (
	"os/exec"
	"syscall"
)

// alone puts the program into a process group of its own, so that all of it can be
// killed, and a signal from the terminal does not reach it behind our back.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	DieWithUs(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
