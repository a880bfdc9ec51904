package agefile

import (
	"errors"
	"io/fs"
	"os"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/private"
)

// open opens the store's directory, or fails with fs.ErrNotExist if there is none.
func (s *Store) open() (*os.Root, error) {
	root, err := private.OpenDir(s.dir, private.Open)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = private.InWords(s.dir, err)
	}
	return root, err
}

// make opens the store's directory and makes it first if there is none.
func (s *Store) make() (*os.Root, error) {
	root, err := private.MakeDir(s.dir, private.Open)
	if err != nil {
		return nil, private.InWords(s.dir, err)
	}
	return root, nil
}

// read returns the content of a file, or fs.ErrNotExist. Other errors are *fault.Error.
func (s *Store) read(root *os.Root, file string) ([]byte, error) {
	data, err := private.ReadFile(root, file, maxFile)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	return nil, s.unreadable(root, file, err)
}

// unreadable says what is wrong with a file that could not be read.
func (s *Store) unreadable(root *os.Root, file string, err error) error {
	path := s.path(file)
	info, failed := root.Lstat(file)
	switch {
	case failed != nil:
		return private.InWords(path, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fault.New(fault.Permissions, path, "put the file itself in its place", "is a symbolic link")
	case !info.Mode().IsRegular():
		return fault.New(fault.NoSecret, path, "move it away", "is no regular file")
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Permissions, path, "run: sudo chown \"$(id -un)\" "+fault.Shell(path)+" && chmod 600 "+fault.Shell(path), "cannot be read: it belongs to another user, or its mode is %04o", info.Mode().Perm())
	case !errors.Is(err, private.ErrUnusable):
		return private.InWords(path, err)
	case info.Mode().Perm()&private.Open != 0:
		return fault.New(fault.Permissions, path, "run: chmod 600 "+fault.Shell(path), "is open to other users (mode %04o)", info.Mode().Perm())
	case info.Size() > maxFile:
		return s.damaged(file, "is too large to be what it should be (%d bytes)", info.Size())
	}
	return fault.New(fault.Permissions, path, "run: sudo chown \"$(id -un)\" "+fault.Shell(path), "belongs to another user")
}

// damaged is the error for a file that does not hold what it should.
func (s *Store) damaged(file, format string, args ...any) *fault.Error {
	return fault.New(fault.NoSecret, s.path(file), "restore the file from a backup", format, args...)
}

// write writes a file durably. The error is a *fault.Error.
func (s *Store) write(root *os.Root, file string, data []byte) error {
	if err := s.files(root).Write(file, data, atomicfile.Options{Durable: true}); err != nil {
		return private.InWords(s.path(file), err)
	}
	return nil
}

func (s *Store) files(root *os.Root) atomicfile.Dir { return atomicfile.Dir{Root: root, Rand: s.rand} }

// remove removes a file, if it is there.
func (s *Store) remove(root *os.Root, file string) error {
	if err := root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return private.InWords(s.path(file), err)
	}
	return nil
}

// items returns the files of all items.
func (s *Store) items(root *os.Root) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, private.InWords(s.dir, err)
	}
	var files []string
	for _, entry := range entries {
		if isItem(entry.Name()) {
			files = append(files, entry.Name())
		}
	}
	return files, nil
}
