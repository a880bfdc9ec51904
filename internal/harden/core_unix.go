//go:build linux || darwin

package harden

import "golang.org/x/sys/unix"

// noCore lowers the soft limit alone, so that a child can raise its own again.
func noCore() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) != nil {
		return
	}
	limit.Cur = 0
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit)
}
