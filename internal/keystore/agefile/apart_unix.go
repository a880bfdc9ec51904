//go:build unix

package agefile

import (
	"os/exec"
	"syscall"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
)

// apart gives the plugin a session of its own: it cannot open our terminal to prompt behind our
// back, and it can be killed with all that it has started.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	child.DieWithUs(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
