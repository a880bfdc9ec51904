//go:build unix

package edit

import "syscall"

// keepGroup gives what was staged the group of the old file. Where the system does not allow that,
// another group would get its permissions, so they go.
func (t *target) keepGroup() error {
	if t.info == nil {
		return nil
	}
	staged, err := t.dir.Root.Stat(t.staged)
	if err != nil {
		return err
	}
	was, ok := t.info.Sys().(*syscall.Stat_t)
	is, ok2 := staged.Sys().(*syscall.Stat_t)
	if !ok || !ok2 || was.Gid == is.Gid || t.dir.Root.Chown(t.staged, -1, int(was.Gid)) == nil {
		return nil
	}
	return t.dir.Root.Chmod(t.staged, t.mode()&^0o070)
}
