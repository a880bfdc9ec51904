package ring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/99designs/keyring"
)

// maxVaultFile is far more than an encrypted item has, in bytes.
const maxVaultFile = 64 << 10

// checkVaultFile makes sure that the item's file is there and can be read without harm, and that
// there is a passphrase for it. The library would make the directory, and read anything.
func checkVaultFile(place vaultPlace, name string) error {
	dir, err := keyring.ExpandTilde(place.FileDir)
	if err != nil {
		return trouble{failed, "HOME is not set"}
	}
	if name == "." || name == ".." {
		return trouble{state: absent} // the directories
	}
	info, err := os.Stat(filepath.Join(dir, vaultFileName(name)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return trouble{state: absent}
	case err != nil:
		return unreadable(err)
	case !info.Mode().IsRegular() || info.Size() > maxVaultFile:
		return trouble{state: damaged}
	case !place.Open:
		return trouble{state: sealed}
	}
	return nil
}

// vaultFileName returns the name of an item's file, as the library writes it.
func vaultFileName(name string) string {
	return strings.NewReplacer("%", "%25", "/", "%2F").Replace(name)
}

// getVaultFile reads the item. Of what the library says of a file only the one text is of use with
// which jose2go tells that a key, and so the passphrase, does not fit.
func getVaultFile(store library, name string) ([]byte, error) {
	value, err := store.get(name)
	if err == nil {
		return value, nil
	}
	if _, found := errors.AsType[trouble](err); found {
		return nil, err
	}
	if _, found := errors.AsType[*fs.PathError](err); found {
		return nil, unreadable(err)
	}
	if strings.Contains(err.Error(), "integrity check failed") {
		return nil, trouble{state: wrong}
	}
	return nil, trouble{state: damaged}
}

func unreadable(err error) error {
	if bad, found := errors.AsType[*fs.PathError](err); found {
		err = bad.Err
	}
	return trouble{failed, err.Error()}
}
