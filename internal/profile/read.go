package profile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// MaxSize is how many bytes of a file are read: far above any config, and below what hurts.
const MaxSize = 64 << 20

// writable is the part of a mode that lets others change a file or directory.
const writable fs.FileMode = 0o022

// Read returns the content of the file at path and what else is known of it, or nothing
// if there is none. The null device counts as none: AWS_CONFIG_FILE=/dev/null is a common
// way to say so. A file of ours must not be writable for others: it says where token
// codes go.
func Read(path string, ours bool) (string, fs.FileInfo, error) {
	if path == "" || path == os.DevNull {
		return "", nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)                  //nolint:gosec // the path is the user's own choice
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // or it is below what is no directory
		return "", nil, nil
	}
	if err != nil {
		return "", nil, Unreadable(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", nil, Unreadable(path, err)
	}
	if err := checkInfo(path, info); err != nil {
		return "", nil, err
	}
	if ours && !ownedAlone(info) {
		return "", nil, fault.New(fault.Permissions, path, "make it yours alone: chmod go-w "+fault.Shell(path), "other users can change it")
	}
	data, err := readAll(path, f, info.Size())
	return data, info, err
}

// CheckOwnDir refuses the directory of profiles.ini, if there is one, that others can change: they could
// put another file, and other secrets beside it, in the place of this user's.
func CheckOwnDir(path string) error {
	dir := dirOf(path)
	info, err := os.Stat(dir)
	switch {
	case err != nil, ownedAlone(info):
		return nil //nolint:nilerr // whoever works in it tells
	case info.Mode().Perm()&writable == 0:
		return fault.New(fault.Permissions, dir, "run: sudo chown -R \"$(id -un)\" "+fault.Shell(dir), "belongs to another user")
	}
	return fault.New(fault.Permissions, dir, "run: chmod go-w "+fault.Shell(dir), "other users can change it (mode %04o)", info.Mode().Perm())
}

// checkInfo refuses what cannot be a config: reading it might block for ever.
func checkInfo(path string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return fault.New(fault.Config, path, "name a file", "is a directory")
	case !info.Mode().IsRegular():
		return fault.New(fault.Config, path, "name a regular file", "is not a regular file (mode %s)", info.Mode())
	case info.Size() > MaxSize:
		return TooLarge(path)
	}
	return nil
}

// readAll reads a file of about size bytes. It may grow while it is read, but not beyond the cap.
func readAll(path string, f io.Reader, size int64) (string, error) {
	var b strings.Builder
	b.Grow(int(size))
	n, err := io.CopyBuffer(&b, io.LimitReader(f, MaxSize+1), make([]byte, min(size+1, 64<<10)))
	switch {
	case err != nil:
		return "", Unreadable(path, err)
	case n > MaxSize:
		return "", TooLarge(path)
	}
	return b.String(), nil
}

// TooLarge is the failure of a file above MaxSize.
func TooLarge(path string) error {
	return fault.New(fault.Config, path, "name the right file", "is larger than %d MiB", MaxSize>>20)
}

// Unreadable tells why a file that exists cannot be read, and its mode if that can
// be seen.
func Unreadable(path string, err error) error {
	cause, remedy := securefile.Reason(err), "make it readable"
	if info, statErr := os.Stat(path); statErr == nil {
		cause += " (mode " + info.Mode().String() + ")"
		remedy = "chmod u+r " + path
	}
	bad := fault.New(fault.Filesystem, path, remedy, "cannot be read: %s", cause)
	bad.Err = err
	return bad
}
