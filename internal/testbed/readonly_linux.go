package testbed

import (
	"errors"
	"syscall"
	"time"
)

// ReadOnly makes the file system that is mounted at dir read-only. A process that another test is
// just starting has all our files open until it runs, so the kernel may want to be asked again.
func ReadOnly(dir string) error {
	const tries = 500
	var err error
	for range tries {
		err = syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}
