//go:build !windows

package cache

import (
	"os"
	"syscall"
)

// lockFlags open a lock file. NFS locks only what is open for writing; Go adds
// O_CLOEXEC, so no child inherits a lock.
const lockFlags = os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
