//go:build unix

package profile

import (
	"io/fs"
	"os"
	"syscall"
)

// openFlags keep a FIFO without a writer from blocking, and a terminal from becoming ours. They mean
// nothing for regular files.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY

// ownedAlone reports whether only this user, or root, can write to the file.
func ownedAlone(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid()) && info.Mode().Perm()&writable == 0
}
