package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unsafe"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// MaxSize is how many bytes of a file are read: far above any config, and below what hurts.
const MaxSize = 64 << 20

// Read returns the content of the file at path and what else is known of it, or nothing
// if there is none. The null device counts as none: AWS_CONFIG_FILE=/dev/null is a common
// way to say so. No other user may be able to change the file or put another in its place: it says
// which endpoint gets the token codes, and what is run.
func Read(path string) (string, fs.FileInfo, error) {
	if path == "" || path == os.DevNull {
		return "", nil, nil
	}
	f, info, err := securefile.OpenTrusted(path)
	switch {
	case os.IsNotExist(err) || errors.Is(err, syscall.ENOTDIR): // or it is below what is no directory
		return "", nil, nil
	case errors.Is(err, securefile.ErrNotRegular) && info != nil && info.IsDir():
		return "", nil, fault.New(fault.Config, path, "name a file", "is a directory")
	case errors.Is(err, securefile.ErrNotRegular):
		return "", nil, fault.New(fault.Config, path, "name a regular file", "is not a regular file")
	case fault.KindOf(err) == fault.Permissions:
		return "", nil, err
	case err != nil:
		return "", nil, Unreadable(path, err)
	}
	defer f.Close()
	if info.Size() > MaxSize {
		return "", nil, TooLarge(path)
	}
	data, err := readAll(path, f, info.Size())
	return data, info, err
}

// readAll reads a file of about size bytes. It may grow while it is read, but not beyond the cap.
func readAll(path string, f io.Reader, size int64) (string, error) {
	b := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	n, err := b.ReadFrom(io.LimitReader(f, MaxSize+1))
	switch {
	case err != nil:
		return "", Unreadable(path, err)
	case n > MaxSize:
		return "", TooLarge(path)
	}
	return unsafe.String(unsafe.SliceData(b.Bytes()), b.Len()), nil //nolint:gosec // nobody else has the bytes, and a copy of a large file takes long
}

// TooLarge is the failure of a file above MaxSize.
func TooLarge(path string) error {
	return fault.New(fault.Config, path, "name the right file", "is larger than %d MiB", MaxSize>>20)
}

// Unreadable tells why a file that exists cannot be read, and the mode of what is in the way: the file, or
// a directory above it.
func Unreadable(path string, err error) error {
	cause, remedy := securefile.Reason(err), "put a readable file in its place"
	if errors.Is(err, fs.ErrPermission) {
		at, may := path, "u+r"
		info, failed := os.Stat(at)
		for errors.Is(failed, fs.ErrPermission) {
			at, may = join(at, ".."), "u+x"
			info, failed = os.Stat(at)
		}
		switch {
		case failed != nil:
		case !securefile.Owned(info):
			return securefile.Foreign(at, info)
		default:
			cause += fmt.Sprintf(" (mode %s of %s)", info.Mode(), at)
			remedy = "run: chmod " + may + " " + fault.Shell(at)
		}
	}
	bad := fault.New(fault.Filesystem, path, remedy, "cannot be read: %s", cause)
	bad.Err = err
	return bad
}
