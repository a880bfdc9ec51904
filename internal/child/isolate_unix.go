//go:build unix && !linux

package child

import (
	"os/exec"
	"syscall"
)

// isolate does what it does on Linux, but this system does not kill orphans.
func isolate(cmd *exec.Cmd, group, session bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: group && !session, Setsid: session}
	if group {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	}
}
