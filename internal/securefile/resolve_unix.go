//go:build !windows

package securefile

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const maxLinks = 40 // as Linux has it

// Resolve returns path without symbolic links, and makes sure that only this user and root decide where
// it leads: no other user can change a directory on the way, not on that of a link either. So one's own
// links work, as Stow and chezmoi make them, and one that somebody else has planted does not.
//
// The rule is OpenSSH's (StrictModes, safe_path in its misc.c): a directory belongs to the user or to
// root, and neither its group nor others can write to it. Three things differ. A sticky directory, such as
// /tmp, may be open if the entry in it is the user's or root's, because nobody else can replace that. The
// owner of the root directory counts as root, whom a user namespace shows as nobody. And the group may
// write if it is the user's private one, as in Debian's sshd: where that is usual, as on Amazon Linux, the
// umask is 002, and ~/.aws open to it. On a disk of Windows that WSL shows (/mnt/c), modes say nothing.
//
// The caller checks what is at the end, once it is open. The error is a *fault.Error of kind Permissions
// or, with the path as far as it is known, the file system's.
func Resolve(path string) (string, error) {
	if path == "" {
		return "", &fs.PathError{Op: "lstat", Err: syscall.ENOENT}
	}
	w := walk{path: path, rest: path, dir: "/"}
	if path[0] != '/' {
		dir, err := os.Getwd()
		if err != nil {
			return path, err
		}
		w.rest = dir + "/" + path
	}
	top, err := look("/")
	if err != nil {
		return path, err
	}
	w.top, w.info = top, top
	for w.rest != "" {
		if err := w.step(); err != nil {
			return below(w.dir, w.rest), err
		}
	}
	return w.dir, nil
}

// seen has the directories that were looked at while LookOnce holds.
var seen map[string]fs.FileInfo //nolint:gochecknoglobals // set by the one goroutine that there is

// LookOnce has Resolve look at each directory on the way once, until again is called. It is for a run of
// less than a millisecond: what is changed meanwhile could as well be changed between a look and the opening.
// No other goroutine may use this package until then.
func LookOnce() (again func()) {
	seen = make(map[string]fs.FileInfo)
	return func() { seen = nil }
}

// walk is a path of which a part has been resolved and checked.
type walk struct {
	path  string      // as it was given
	dir   string      // the part that is resolved
	info  fs.FileInfo // of dir
	rest  string
	top   fs.FileInfo // of the root directory
	links int
}

// step resolves the next element. After an error it is still to do.
func (w *walk) step() error {
	name, rest, _ := strings.Cut(w.rest, "/")
	entry := below(w.dir, name)
	switch name {
	case "", ".":
		w.rest = rest
		return nil
	case "..":
		entry = "/" + strings.Trim(parent(w.dir), "/")
	}
	info, err := look(entry)
	if err := w.check(entry, info); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		w.dir, w.info, w.rest = entry, info, rest
		return nil
	}
	if w.links++; w.links > maxLinks {
		return &fs.PathError{Op: "lstat", Path: w.path, Err: syscall.ELOOP}
	}
	target, err := os.Readlink(entry)
	if err != nil {
		return err
	}
	if strings.HasPrefix(target, "/") {
		w.dir, w.info = "/", w.top
	}
	w.rest = target
	if rest != "" {
		w.rest += "/" + rest
	}
	return nil
}

// check refuses the directory that the walk has come to if somebody else could put something in the place
// of entry, which is there if info is not nil.
func (w *walk) check(entry string, info fs.FileInfo) error {
	detour := "choose a path that leads only through directories of yours and of root"
	if user() == 0 {
		detour = asOwner
	}
	sticky := w.info.Mode()&fs.ModeSticky != 0
	switch {
	case !w.info.IsDir():
		return nil // to be told by whoever looks for something in it
	case !safeOwner(w.info):
		return fault.New(fault.Permissions, w.dir, detour, "belongs to another user, who can change what is at %s", w.path)
	case sticky && (info == nil || safeOwner(info)), !open(w.dir, w.info):
		return nil
	case !sticky:
		remedy := "run: sudo chmod +t " + fault.Shell(w.dir)
		if Owned(w.info) {
			remedy = "run: chmod go-w " + fault.Shell(w.dir)
		}
		return fault.New(fault.Permissions, w.dir, remedy, "other users can change it (mode %04o), and so what is at %s", w.info.Mode().Perm(), w.path)
	}
	return fault.New(fault.Permissions, entry, detour, "belongs to another user, and is in a directory that all can write to")
}

// look is os.Lstat, but for what LookOnce says.
func look(path string) (fs.FileInfo, error) {
	if info, ok := seen[path]; ok {
		return info, nil
	}
	info, err := os.Lstat(path)
	if seen != nil && err == nil && info.IsDir() {
		seen[path] = info
	}
	return info, err
}

// below returns the path of name in dir.
func below(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

// open reports whether users who are neither the owner nor root can write to the file at path.
func open(path string, info fs.FileInfo) bool {
	shut := Writable
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && Owned(info) && stat.Uid != 0 && stat.Gid == stat.Uid && private(stat.Gid) {
		shut &^= 0o020
	}
	return exposed(info, shut) && !ofWindows(path)
}

// private reports whether the group has no members. The user whose number it shares has it by birth.
func private(gid uint32) bool {
	groups, _ := os.ReadFile("/etc/group")
	for line := range strings.Lines(string(groups)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 4 && f[2] == strconv.Itoa(int(gid)) {
			return f[3] == "" || f[3] == f[0]
		}
	}
	return false
}

// safeOwner reports whether the file belongs to this user or to root.
func safeOwner(info fs.FileInfo) bool {
	if Owned(info) || owner(info) == 0 {
		return true
	}
	top, err := os.Lstat("/")
	return err == nil && owner(info) == owner(top)
}

// owner returns the user id of the file's owner, or -1.
func owner(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(stat.Uid)
	}
	return -1
}
