package cli

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/ledger"
)

// anchor returns what now, this machine's time, is counted from: the running time of the
// machine, sleep included, since a start that the kernel names.
func anchor(now time.Time) ledger.Anchor {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ledger.Anchor{}
	}
	var running unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &running); err != nil {
		return ledger.Anchor{}
	}
	return ledger.Anchor{Boot: strings.TrimSpace(string(boot)), Start: now.Add(-time.Duration(running.Nano())).UTC().Round(0)}
}
