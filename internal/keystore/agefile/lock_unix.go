//go:build !windows

package agefile

import (
	"errors"
	"os"
	"syscall"
)

// lockFlags open the lock file. NFS locks only what is open for writing.
const lockFlags = os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// noLocks reports that the file system has no locks.
func noLocks(err error) bool {
	return errors.Is(err, syscall.ENOLCK) || errors.Is(err, errors.ErrUnsupported)
}
