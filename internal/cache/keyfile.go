package cache

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/private"
)

const keyFileName = "sealing.key"

// keyFile is the sealing key as a file: the bare 32 bytes, mode 0600.
type keyFile struct {
	dir  string
	rand io.Reader
}

func (f keyFile) path() string { return filepath.Join(f.dir, keyFileName) }

// read returns the key's material, or ErrNoKey if there is no file. One that others
// could read or have written is never used.
func (f keyFile) read() ([]byte, error) {
	// The directory may be readable for others: the file is not.
	root, err := private.OpenDir(f.dir, private.Writable)
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
	root, err := private.MakeDir(f.dir, private.Writable)
	if err != nil {
		return nil, private.InWords(f.dir, err)
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
		return nil, private.InWords(f.dir, err)
	}
	return readKey(root)
}

func readKey(root *os.Root) ([]byte, error) {
	material, err := private.ReadFile(root, keyFileName, keySize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKey
	}
	if err == nil && len(material) != keySize {
		err = private.ErrUnusable
	}
	return material, err
}
