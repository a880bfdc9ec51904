package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Abandoned is the age from which a temporary file is certainly nobody's any more:
// writing one takes milliseconds.
const Abandoned = time.Hour

// Sweep removes the temporary files of this package that writers who were killed have
// left in root: those last changed before the given time, which is usually Abandoned ago.
func Sweep(root *os.Root, before time.Time) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	var failed error
	for _, entry := range entries {
		if !isTemp(entry.Name()) {
			continue
		}
		info, err := root.Lstat(entry.Name())
		if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) {
			continue // somebody else has swept it, or it is in use
		}
		if err := root.Remove(entry.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = err
		}
	}
	return failed
}

// isTemp reports whether name is one that this package gives to temporary files.
func isTemp(name string) bool {
	random, ok := strings.CutPrefix(name, tempPrefix)
	if !ok {
		return false
	}
	random, ok = strings.CutSuffix(random, tempSuffix)
	return ok && len(random) == 2*tempRandom && strings.Trim(random, "0123456789abcdef") == ""
}
