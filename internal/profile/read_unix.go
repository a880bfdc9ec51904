//go:build unix

package profile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openFile opens path for reading. O_NONBLOCK keeps a FIFO without a writer from
// blocking; it means nothing for regular files.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0) //nolint:gosec // the path is the user's own choice
}

// isMissing reports whether err says that there is no file. ENOTDIR is the answer
// for a path below something that is no directory.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
