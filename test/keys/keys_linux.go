// Package keys tidies up the kernel's keyring of the user behind tests.
package keys

import (
	"errors"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Remove removes the keys in the kernel's keyring of this user whose names begin with one of these, and those
// that have expired: a user may have no more than 200, and the kernel counts expired ones for minutes.
func Remove(beginnings ...string) {
	ring := make([]int32, 1<<12)
	// The kernel fills in serial numbers.
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&ring[0])), 4*len(ring))
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, unix.KEY_SPEC_USER_KEYRING, bytes, 0)
	if err != nil {
		return
	}
	for _, key := range ring[:min(n/4, len(ring))] {
		described, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, int(key))
		fields := strings.SplitN(described, ";", 5)
		begins := func(with string) bool { return len(fields) == 5 && strings.HasPrefix(fields[4], with) }
		if errors.Is(err, unix.EKEYEXPIRED) || slices.ContainsFunc(beginnings, begins) {
			_, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, int(key), unix.KEY_SPEC_USER_KEYRING, 0, 0)
		}
	}
}
