package child

import (
	"os/exec"
	"syscall"
)

// isolate has the kernel kill the program when this process is killed. The kernel watches the thread
// that starts the program: its goroutine has to hold the thread until the program has ended.
//
// With group, the program gets a process group of its own, so that all that it has started can be
// killed with it, and no signal from the terminal reaches it. Only the process group of this process
// can read the terminal. With session as well, that group is in a session of its own.
func isolate(cmd *exec.Cmd, group, session bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: group && !session, Setsid: session, Pdeathsig: syscall.SIGKILL}
	if group {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	}
}
