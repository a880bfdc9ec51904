package harden

import "syscall"

// Process forbids ptrace, access to /proc/PID/mem and core dumps for this process.
func Process() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
	noCore()
}
