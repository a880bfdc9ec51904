//go:build unix

package edit

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// lockFlags open a lock file. NFS locks only what is open for writing; Go adds
// O_CLOEXEC, so no child inherits a lock.
const lockFlags = os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// keepOwner gives what was staged the owner and group of the old file. Where the system
// does not allow the group, another group would get its permissions, so they go.
func (t *target) keepOwner() error {
	if t.info == nil {
		return nil
	}
	staged, err := t.root.Stat(t.staged)
	if err != nil {
		return err
	}
	was, ok := t.info.Sys().(*syscall.Stat_t)
	is, ok2 := staged.Sys().(*syscall.Stat_t)
	if !ok || !ok2 || was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	if t.root.Chown(t.staged, int(was.Uid), int(was.Gid)) == nil || t.root.Chown(t.staged, -1, int(was.Gid)) == nil {
		return nil
	}
	return t.root.Chmod(t.staged, t.mode()&^0o070)
}

// swap renames, which is atomic, and makes that durable, as far as the file system of the
// directory can.
func (t *target) swap() error {
	if err := t.root.Rename(t.staged, filepath.Base(t.end)); err != nil {
		return err
	}
	dir, err := t.root.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
