package atomicfile

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// A virus scanner or indexer opens a new file for some milliseconds, and a reader the
// old one; both may forbid the replacement meanwhile.
const (
	replaceTries = 12
	firstPause   = time.Millisecond
	lastPause    = 100 * time.Millisecond
)

// replace moves temp to name. NTFS replaces atomically.
func replace(root *os.Root, temp, name string) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := root.Rename(temp, name)
		if err == nil || !busy(err) || try == replaceTries {
			return err
		}
		time.Sleep(pause)
		pause = min(2*pause, lastPause)
	}
}

func busy(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION) ||
		errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

// syncDir does nothing: Windows cannot flush a directory, NTFS journals it.
func syncDir(*os.Root) error { return nil }

// linkless reports whether err tells that the file system has no hard links.
func linkless(err error) bool {
	return errors.Is(err, windows.ERROR_INVALID_FUNCTION) || errors.Is(err, windows.ERROR_NOT_SUPPORTED) ||
		errors.Is(err, errors.ErrUnsupported)
}
