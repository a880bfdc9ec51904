//go:build unix

package agefile

import (
	"errors"
	"syscall"
)

// absentKernelKeys reports that there is no kernel keyring: another system, or a container whose
// filter of system calls keeps it away.
func absentKernelKeys(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EPERM)
}
