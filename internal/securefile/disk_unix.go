//go:build !windows

package securefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

const (
	// noBlock keeps the opening of a named pipe from waiting for its other end, and a terminal from
	// becoming ours.
	noBlock = syscall.O_NONBLOCK | syscall.O_NOCTTY

	// onlyDir, at the end of a path, keeps anything but a directory from being opened.
	onlyDir = "/."

	separators = "/" // of a path
)

// Owned reports whether the file is this user's. Root gets no privilege here: what another user
// owns, that user can change.
func Owned(info fs.FileInfo) bool { return owner(info) == int64(user()) }

// exposed reports whether the file has any permission in shut. The mask of an access control
// list shows as the permissions of the group.
func exposed(info fs.FileInfo, shut fs.FileMode) bool { return info.Mode().Perm()&shut != 0 }

// openFile opens the file path for reading, without waiting for the other end of a pipe. os.OpenFile would
// start Go's poller, which has no use for regular files, and the caller refuses any other.
func openFile(path string) (*os.File, error) {
	const flags = syscall.O_RDONLY | syscall.O_CLOEXEC | noBlock
	fd, err := syscall.Open(path, flags, 0)
	for err == syscall.EINTR {
		fd, err = syscall.Open(path, flags, 0)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	_ = syscall.SetNonblock(fd, false)
	return os.NewFile(uintptr(fd), path), nil
}

// replace moves temp to name. On POSIX systems rename is atomic.
func (d *Dir) replace(temp, name string, _ *os.File) error { return d.Root.Rename(temp, name) }

// mkdir makes the directory path, of mode 0700 whatever the umask is.
func mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return os.Chmod(path, 0o700) //nolint:gosec // a directory needs the x bit, which the umask may have taken
}

// protect has nothing to do: the file was made with its mode.
func (*Dir) protect(string) {}

// KeepAccess gives the file name the group of another file. Where the system does not allow that, another
// group would get its permissions, so they go.
func (d *Dir) KeepAccess(name string, of fs.FileInfo) error {
	info, err := d.Root.Stat(name)
	if err != nil {
		return err
	}
	was, ok := of.Sys().(*syscall.Stat_t)
	is, ok2 := info.Sys().(*syscall.Stat_t)
	if !ok || !ok2 || was.Gid == is.Gid || d.Root.Chown(name, -1, int(was.Gid)) == nil {
		return nil
	}
	return d.Root.Chmod(name, info.Mode().Perm()&^0o070)
}

func (d *Dir) remove(name string) error { return d.Root.Remove(name) }

// flush makes the directory's entries durable, if o asks for it. A file system that cannot flush a
// directory, such as some network file systems, has its own guarantees.
func (d *Dir) flush(o Options) error {
	if !o.Durable {
		return nil
	}
	dir, err := d.Root.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// linkless reports whether err says that the file system has no hard links.
func linkless(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EMLINK)
}

// flock tries to lock f with flock(2).
func flock(f *os.File, share Share) (held bool, err error) {
	how := syscall.LOCK_EX
	if share == Shared {
		how = syscall.LOCK_SH
	}
	for {
		switch err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err {
		case nil:
			return true, nil
		case syscall.EINTR:
		case syscall.EWOULDBLOCK:
			return false, nil
		case syscall.ENOLCK:
			return false, fmt.Errorf("%w (%w)", err, errors.ErrUnsupported)
		default:
			return false, &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
		}
	}
}

// funlock frees the lock at once. Closing would not, while a child that is being started still
// has the file open.
func funlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
