//go:build unix && !linux

package child

import "syscall"

// DieWithUs does nothing: this system does not kill orphans.
func DieWithUs(*syscall.SysProcAttr) {}
