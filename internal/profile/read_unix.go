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

// ownedAlone reports whether only this user, or root, can write to the file.
func ownedAlone(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid()) && info.Mode().Perm()&writable == 0
}
