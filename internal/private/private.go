// Package private opens and reads what has to be this user's own: directories that nobody else
// can get at, files in them that nobody else can have written or can read.
package private

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Open is the part of a mode that lets group and others at a file or directory, and
// Writable the part that lets them change it.
const (
	Open     fs.FileMode = 0o077
	Writable fs.FileMode = 0o022
)

// ErrUnusable is a file that is not this user's own, private, regular and of a
// sensible size: it is as good as none.
var ErrUnusable = errors.New("not a private regular file of this user")

// OpenDir opens the directory path, which must be this user's own, no symbolic link, and
// without the permissions of shut. What breaks this rule is a *fault.Error of kind
// Permissions; other errors are the file system's.
func OpenDir(path string, shut fs.FileMode) (*os.Root, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if before.Mode()&fs.ModeSymlink != 0 {
		return nil, fault.New(fault.Permissions, path, "put a directory in its place", "is a symbolic link")
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	if err := checkDir(root, path, before, shut); err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

// checkDir checks the directory that has been opened, not what is at its path by now.
func checkDir(root *os.Root, path string, before fs.FileInfo, shut fs.FileMode) error {
	info, err := root.Stat(".")
	switch {
	case err != nil:
		return err
	case !os.SameFile(before, info):
		return fault.New(fault.Permissions, path, "look who can write to "+filepath.Dir(path), "was replaced while it was opened")
	case !owned(info):
		return fault.New(fault.Permissions, path, "run: sudo chown -R \"$(id -un)\" "+fault.Shell(path), "belongs to another user")
	case exposed(info, shut):
		return fault.New(fault.Permissions, path, "run: chmod 700 "+fault.Shell(path), "is open to other users (mode %04o)", info.Mode().Perm())
	}
	return nil
}

// MakeDir opens the directory path as OpenDir does, and makes it first, with those
// above it, if there is none.
func MakeDir(path string, shut fs.FileMode) (*os.Root, error) {
	root, err := OpenDir(path, shut)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if err := mkdirAll(path); err != nil {
		return nil, err
	}
	return OpenDir(path, shut)
}

// mkdirAll makes path and what is missing above it, all of mode 0700 whatever the
// umask is.
func mkdirAll(path string) error {
	err := mkdir(path)
	if parent := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && parent != path {
		if err := mkdirAll(parent); err != nil {
			return err
		}
		err = mkdir(path)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	}
	return err
}

func mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm() == 0o700 {
		return err
	}
	return os.Chmod(path, 0o700) //nolint:gosec // a directory needs the x bit; the umask took something away
}

// ReadFile returns the content of the file name in root, of at most limit bytes. A
// file that somebody else may have written or can read, a symbolic link and anything that is
// no regular file are ErrUnusable. It never blocks, not even on a pipe.
func ReadFile(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|noBlock, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !owned(info) || exposed(info, Open) || info.Size() > limit || linked(root, name) {
		return nil, ErrUnusable
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// linked reports whether name is a symbolic link. An os.Root follows those that stay
// inside it.
func linked(root *os.Root, name string) bool {
	info, err := root.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// InWords returns err, from work in the directory dir, as a *fault.Error.
func InWords(dir string, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	cause := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		cause = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		cause = e.Err
	}
	return &fault.Error{Kind: fault.Filesystem, Thing: dir, Cause: cause.Error(), Remedy: "set AWS_MFA_CREDS_HOME to a directory you can write to", Err: err}
}
