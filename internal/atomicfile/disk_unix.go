//go:build !windows

package atomicfile

import (
	"errors"
	"os"
	"syscall"
)

// replace moves temp to name. On POSIX systems rename is atomic.
func replace(root *os.Root, temp, name string) error { return root.Rename(temp, name) }

// syncDir flushes the directory to the disk. A file system that cannot do so, as some
// of the network, keeps its own promises.
func syncDir(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// linkless reports whether err tells that the file system has no hard links.
func linkless(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EMLINK)
}
