package atomicfile

import (
	"io/fs"
	"os"
	"time"
)

// Left returns the names of the files that Sweep would remove, and removes none.
func Left(root *os.Root, before time.Time) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if !isTemp(entry.Name()) {
			continue
		}
		if info, err := root.Lstat(entry.Name()); err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}
