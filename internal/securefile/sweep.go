package securefile

import (
	"errors"
	"io/fs"
	"strings"
	"time"
)

// Abandoned is the age from which nobody is still writing a temporary file: that takes
// milliseconds.
const Abandoned = time.Hour

// Left returns the names of the temporary files that were last changed before the given time,
// which is usually Abandoned ago: their writers were killed.
func (d *Dir) Left(before time.Time) ([]string, error) {
	entries, err := fs.ReadDir(d.Root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if !isTemp(entry.Name()) {
			continue
		}
		if info, err := d.Root.Lstat(entry.Name()); err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Sweep removes the files that Left returns.
func (d *Dir) Sweep(before time.Time) error {
	names, failed := d.Left(before)
	for _, name := range names {
		if err := d.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = err
		}
	}
	return failed
}

// isTemp reports whether name is one that this package gives to temporary files.
func isTemp(name string) bool {
	digits, ok := strings.CutPrefix(name, tempPrefix)
	if !ok {
		return false
	}
	digits, ok = strings.CutSuffix(digits, tempSuffix)
	return ok && len(digits) == tempDigits && strings.Trim(digits, "0123456789abcdef") == ""
}
