//go:build !windows

package private

import (
	"io/fs"
	"os"
	"syscall"
)

// noBlock keeps the opening of a pipe from waiting for somebody to write to it.
const noBlock = syscall.O_NONBLOCK

// owned reports whether the file is this user's. Root gets no privilege here: what another
// user owns, that user can change.
func owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(stat.Uid) == int64(os.Geteuid())
}

// exposed reports whether the file has any permission of shut. The mask of an access
// control list shows as the permissions of the group.
func exposed(info fs.FileInfo, shut fs.FileMode) bool { return info.Mode().Perm()&shut != 0 }
