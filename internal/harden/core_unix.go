//go:build linux || darwin

package harden

import "syscall"

var softCore *uint64 //nolint:gochecknoglobals // the limit that Process has lowered; nil: none

// noCore lowers the soft limit alone, so that a child can raise its own again.
func noCore() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) != nil {
		return
	}
	soft := limit.Cur
	limit.Cur = 0
	if syscall.Setrlimit(syscall.RLIMIT_CORE, &limit) == nil {
		softCore = &soft
	}
}

// Undo gives a program that this process becomes or runs the limit back that this process was started with. The kernel
// itself makes a new program dumpable.
func Undo() {
	var limit syscall.Rlimit
	if softCore == nil || syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) != nil {
		return
	}
	limit.Cur = *softCore
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
}
