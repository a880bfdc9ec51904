//go:build unix

package edit

import "syscall"

// keepOwner gives what was staged the owner and group of the old file. Where the system
// does not allow the group, another group would get its permissions, so they go.
func (t *target) keepOwner() error {
	if t.info == nil {
		return nil
	}
	staged, err := t.dir.Root.Stat(t.staged)
	if err != nil {
		return err
	}
	was, ok := t.info.Sys().(*syscall.Stat_t)
	is, ok2 := staged.Sys().(*syscall.Stat_t)
	if !ok || !ok2 || was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	if t.dir.Root.Chown(t.staged, int(was.Uid), int(was.Gid)) == nil || t.dir.Root.Chown(t.staged, -1, int(was.Gid)) == nil {
		return nil
	}
	return t.dir.Root.Chmod(t.staged, t.mode()&^0o070)
}
