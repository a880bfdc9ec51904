package child

import "syscall"

// DieWithUs has the kernel kill the program that is started with attr when this process is killed
// and has no chance to do so. The kernel watches the thread that starts it: its goroutine has to
// hold it, by runtime.LockOSThread, until the program has ended.
func DieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
