package rules

import (
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const clockBootTime = 7 // CLOCK_BOOTTIME, clock_gettime(2); package syscall lacks it

// anchor returns what now, this machine's time, is counted from: the running time of the
// machine, sleep included, since a start that the kernel names.
func anchor(now time.Time) Anchor {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Anchor{}
	}
	var running syscall.Timespec
	if _, _, failed := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockBootTime, uintptr(unsafe.Pointer(&running)), 0); failed != 0 { //nolint:gosec // a system call takes addresses
		return Anchor{}
	}
	return Anchor{Boot: strings.TrimSpace(string(boot)), Start: now.Add(-time.Duration(running.Nano())).UTC().Round(0)}
}
