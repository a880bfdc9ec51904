// Package securefile reads, writes and locks files that must belong to this user alone, in directories
// that nobody else can change.
//
// It works inside an os.Root, so that neither a symbolic link nor a renamed parent leads out of the
// directory that was checked. Writes are atomic: through kill -9, power loss and a full disk, a file has
// either its old content or the new, never part of it. A link in place of a file is replaced, never
// followed.
//
// The warm path reads through this package, so it imports nothing that Go initializes late (see package
// warm): no golang.org/x/sys, no path/filepath.
package securefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Permissions that OpenDir and MakeDir can refuse.
const (
	Open     fs.FileMode = 0o077 // any access for group and others
	Writable fs.FileMode = 0o022 // write access for group and others
)

// ErrUnusable is a file that is not this user's own, private, regular and of a
// sensible size.
var ErrUnusable = errors.New("not a private regular file of this user")

// Dir is an open directory.
type Dir struct {
	Root *os.Root

	path   string
	random func() uint64 // for the names of temporary files
}

// user returns the effective user id of this process, or -1.
var user = sync.OnceValue(os.Geteuid) //nolint:gochecknoglobals // it stays the same

// OpenDir opens the directory path, which must be this user's own, without the permissions in shut, and
// where only this user and root can put something else in its place: see Resolve. A directory that breaks
// this rule is a *fault.Error of kind Permissions; other errors are the file system's.
func OpenDir(path string, shut fs.FileMode) (*Dir, error) {
	end, err := Resolve(path)
	if err != nil {
		return nil, err
	}
	d, err := OpenAnyDir(end)
	if errors.Is(err, fs.ErrPermission) {
		if info, failed := os.Stat(end); failed == nil && !Owned(info) {
			return nil, Foreign(path, info)
		}
	}
	if err != nil {
		return nil, err
	}
	d.path = path
	if err := d.check(shut); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// check checks the directory that has been opened.
func (d *Dir) check(shut fs.FileMode) error {
	info, err := d.Root.Stat(".")
	switch {
	case err != nil:
		return err
	case !Owned(info):
		return Foreign(d.path, info)
	case exposed(info, shut):
		return fault.New(fault.Permissions, d.path, "run: chmod 700 "+fault.Shell(d.path), "is open to other users (mode %04o)", info.Mode().Perm())
	}
	return nil
}

// OpenAnyDir opens the directory path, whoever owns it, and follows symbolic links. Unlike
// os.OpenRoot it does not wait for a writer if there is a named pipe.
func OpenAnyDir(path string) (*Dir, error) {
	root, err := os.OpenRoot(path + onlyDir)
	if err != nil {
		return nil, err
	}
	return &Dir{Root: root, path: path, random: rand.Uint64}, nil
}

// MakeDir opens the directory path as OpenDir does, and first makes it, and those above it, if
// there is none.
func MakeDir(path string, shut fs.FileMode) (*Dir, error) { return makeDir(path, shut, MakeAll) }

// MakeIn is MakeDir in a directory that must be there already.
func MakeIn(path string, shut fs.FileMode) (*Dir, error) { return makeDir(path, shut, makeOne) }

func makeDir(path string, shut fs.FileMode, missing func(path string) error) (*Dir, error) {
	d, err := OpenDir(path, shut)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	end, err := Resolve(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = missing(end)
	}
	if err != nil {
		return nil, err
	}
	return OpenDir(path, shut)
}

// MakeAll makes the directory path and those missing above it, all for this user alone. An existing directory is
// left as it is.
func MakeAll(path string) error {
	err := makeOne(path)
	if above := parent(path); errors.Is(err, fs.ErrNotExist) && above != "" {
		if err = MakeAll(above); err == nil {
			err = makeOne(path)
		}
	}
	return err
}

func makeOne(path string) error {
	err := mkdir(path)
	if errors.Is(err, fs.ErrExist) {
		return nil // or another process was faster
	}
	return err
}

// parent returns the directory that path is in, with the separator at its end; "" if path is a
// bare name. filepath.Dir would do, if its package were not initialized late.
func parent(path string) string {
	return path[:1+strings.LastIndexAny(strings.TrimRight(path, separators), separators)]
}

// asOwner is for root, who has been led to the files of an ordinary user by sudo -E.
const asOwner = "run it as that user, without sudo"

// Foreign is the failure of a file or directory that belongs to another user. Root's may be taken over: it
// was left by a run with sudo. An ordinary user's may not: somebody may have planted it or, where root runs
// the program, its owner would lose it.
func Foreign(path string, info fs.FileInfo) error {
	remedy := "use a copy that belongs to you"
	switch {
	case user() == 0:
		remedy = asOwner
	case owner(info) == 0:
		remedy = takeOver(path)
	}
	return fault.New(fault.Permissions, path, remedy, "belongs to another user (uid %d)", owner(info))
}

// elsewhere is for a place that cannot be used.
const elsewhere = "set AWS_MFA_CREDS_HOME to a directory you can write to"

// takeOver returns how to take over what root has left at path: with all that is root's above it, up to a
// directory of the user's own. What is below none, such as /etc or /, is the system's, and stays root's.
func takeOver(path string) string {
	for above := parent(path); above != ""; above = parent(path) {
		if info, err := os.Stat(above); err == nil && Owned(info) {
			return "run: sudo chown -R \"$(id -un)\" " + fault.Shell(path)
		}
		path = above[:len(above)-1]
	}
	return elsewhere
}

// OpenTrusted opens the regular file path for reading, if only this user and root can change it or put
// another in its place: see Resolve. If they are not alone, the error is a *fault.Error of kind
// Permissions; other errors are those of OpenRegular.
func OpenTrusted(path string) (*os.File, fs.FileInfo, error) {
	end, err := Resolve(path)
	if err != nil {
		return nil, nil, err
	}
	f, info, err := OpenRegular(end)
	if err != nil {
		return nil, info, err
	}
	switch {
	case !safeOwner(info):
		err = Foreign(path, info)
	case open(end, info):
		err = fault.New(fault.Permissions, path, "run: chmod go-w "+fault.Shell(path), "other users can change it (mode %04o)", info.Mode().Perm())
	default:
		return f, info, nil
	}
	_ = f.Close()
	return nil, nil, err
}

// ErrNotRegular is a directory, pipe, device or socket in the place of a file.
var ErrNotRegular = errors.New("not a regular file")

// OpenRegular opens the regular file path for reading, and waits for no other end of a pipe. With
// ErrNotRegular it returns what is there; other errors are the file system's.
func OpenRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := openFile(path)
	if errors.Is(err, syscall.ENXIO) { // a socket
		err = ErrNotRegular
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		_ = f.Close()
		return nil, info, err
	}
	return f, info, nil
}

// Path returns where the directory was opened.
func (d *Dir) Path() string { return d.path }

// Current reports whether the directory is still the one at its path.
func (d *Dir) Current() bool {
	return d.inPlace(".", func() (fs.FileInfo, error) { return d.Root.Stat(".") })
}

// Close closes the directory. Locks that are held stay held.
func (d *Dir) Close() error { return d.Root.Close() }

// Read returns the content of the file name, of at most limit bytes. ErrUnusable is a file that
// others can read or may have written, a symbolic link, or anything but a regular file. Read
// never blocks, not even on a named pipe.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	f, info, err := d.openRegular(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if !Owned(info) || exposed(info, Open) || info.Size() > limit {
		return nil, ErrUnusable
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// openRegular opens the file name by its path, because an os.Root would start the poller (see openFile), and
// makes sure that it is the one in the directory that was checked, and no link.
func (d *Dir) openRegular(name string) (*os.File, fs.FileInfo, error) {
	for range tries { // it may be replaced meanwhile
		f, info, err := OpenRegular(d.path + string(os.PathSeparator) + name)
		switch {
		case errors.Is(err, ErrNotRegular):
			return nil, nil, ErrUnusable
		case err != nil:
			return nil, nil, err
		}
		if there, err := d.Root.Lstat(name); err == nil && os.SameFile(info, there) {
			return f, info, nil
		}
		_ = f.Close()
	}
	return nil, nil, ErrUnusable
}

// linked reports whether name is a symbolic link. An os.Root follows those that stay inside it.
func (d *Dir) linked(name string) bool {
	info, err := d.Root.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// Fault returns err, from work on the file or directory path, as a *fault.Error.
func Fault(path string, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return &fault.Error{Kind: fault.Filesystem, Thing: path, Cause: Reason(err), Remedy: elsewhere, Err: err}
}

// Reason returns why a call of the file system has failed, without the call and the path.
func Reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err.Error()
	}
	if e, ok := errors.AsType[*os.SyscallError](err); ok { // of a socket
		return e.Err.Error()
	}
	return err.Error()
}
