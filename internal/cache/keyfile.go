package cache

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
)

const keyFileName = "sealing.key"

// writable by others is what the directory of the key file must not be. It may be
// readable: the file itself is not.
const writable fs.FileMode = 0o022

// keyFile is the sealing key as a file: the bare 32 bytes, mode 0600.
type keyFile struct {
	dir  string
	rand io.Reader
}

func (f keyFile) path() string { return filepath.Join(f.dir, keyFileName) }

// read returns the key's material, or ErrNoKey if there is no file. One that others
// could read or have written is never used.
func (f keyFile) read() ([]byte, error) {
	root, err := openDir(f.dir, writable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	return readKey(root)
}

// create makes the file with the material, or returns what is in the one that another
// process has made. A file that cannot be used is replaced.
func (f keyFile) create(material []byte) ([]byte, error) {
	root, err := makeDir(f.dir, writable)
	if err != nil {
		return nil, inWords(f.dir, err)
	}
	defer func() { _ = root.Close() }()
	if present, err := readKey(root); err == nil {
		return present, nil
	}
	dir, durable := atomicfile.Dir{Root: root, Rand: f.rand}, atomicfile.Options{Durable: true}
	err = dir.Create(keyFileName, material, durable)
	if errors.Is(err, fs.ErrExist) {
		if present, err := readKey(root); err == nil {
			return present, nil
		}
		err = dir.Write(keyFileName, material, durable)
	}
	if err != nil {
		return nil, inWords(f.dir, err)
	}
	return readKey(root)
}

func readKey(root *os.Root) ([]byte, error) {
	material, err := readPrivate(root, keyFileName, keySize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKey
	}
	if err == nil && len(material) != keySize {
		err = errUnusable
	}
	return material, err
}
