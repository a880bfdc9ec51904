//go:build !unix

package profile

import (
	"errors"
	"io/fs"
	"os"
)

// openFile opens path for reading.
func openFile(path string) (*os.File, error) { return os.Open(path) } //nolint:gosec // the path is the user's own choice

// isMissing reports whether err says that there is no file.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// ownedAlone cannot be told from a file's mode here.
func ownedAlone(fs.FileInfo) bool { return true }
