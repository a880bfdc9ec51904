package securefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// A named pipe has no path that a directory can have, so nothing blocks.
const (
	noBlock = 0
	onlyDir = ""

	separators = `/\`
)

// System error codes of Windows that package syscall does not name.
const (
	errInvalidFunction  = syscall.Errno(1)
	errSharingViolation = syscall.Errno(32)
	errLockViolation    = syscall.Errno(33)
	errNotSupported     = syscall.Errno(50)
	errInvalidParameter = syscall.Errno(87)
	errNotImplemented   = syscall.Errno(120)
)

// unsupported reports whether err says that the file system lacks a call. An os.Root makes calls of the kernel
// that take a directory, some of which Wine, FAT, network redirectors and file systems of other makers do not have.
func unsupported(err error) bool {
	return errors.Is(err, errInvalidFunction) || errors.Is(err, errNotSupported) || errors.Is(err, errInvalidParameter) ||
		errors.Is(err, errNotImplemented) || errors.Is(err, errors.ErrUnsupported)
}

// byPath makes a call with paths where the file system lacks the same call of an os.Root. They lead to the
// directory that was checked: an os.Root keeps it open without FILE_SHARE_DELETE, and Windows neither renames nor
// removes such a directory, nor one above it. In place of a link, the call meets the link itself.
func (d *Dir) byPath(err error, call func(prefix string) error) error {
	if !unsupported(err) || !d.Current() {
		return err
	}
	return call(d.path + `\`)
}

// mkdir makes the directory path, and what will be in it, for this user, the system and administrators: outside of
// the user's profile, Windows would let all users of the machine write there.
func mkdir(path string) error {
	var a syscall.SecurityAttributes
	a.Length = uint32(unsafe.Sizeof(a))
	name, err := syscall.UTF16PtrFromString(path)
	if err == nil {
		a.SecurityDescriptor, err = private()
	}
	if err == nil {
		err = syscall.CreateDirectory(name, &a)
		_, _ = syscall.LocalFree(syscall.Handle(a.SecurityDescriptor))
	}
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

// private returns a security descriptor for mkdir, which LocalFree frees.
func private() (descriptor uintptr, err error) {
	token, err := syscall.OpenCurrentProcessToken()
	if err != nil {
		return 0, err
	}
	defer func() { _ = token.Close() }()
	user, err := token.GetTokenUser()
	if err != nil {
		return 0, err
	}
	sid, err := user.User.Sid.String()
	if err != nil {
		return 0, err
	}
	const access = "(A;OICI;FA;;;" // is full, for files and directories inside as well
	list, _ := syscall.UTF16PtrFromString("D:P" + access + sid + ")" + access + "SY)" + access + "BA)")
	ok, _, err := parseSecurity.Call(uintptr(unsafe.Pointer(list)), 1, uintptr(unsafe.Pointer(&descriptor)), 0) //nolint:gosec // the way of package syscall itself
	if ok == 0 {
		return 0, err
	}
	return descriptor, nil
}

// Owned is always true. It, safeOwner, open and exposed leave the judgement of what is there to Windows: what is
// below the user's profile inherits an access control list that admits only the user, the system and administrators.
func Owned(fs.FileInfo) bool { return true }

func safeOwner(fs.FileInfo) bool { return true }

func owner(fs.FileInfo) int64 { return -1 }

// Resolve returns path without symbolic links or, with the error of the file system, as it is.
func Resolve(path string) (string, error) {
	end, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path, err
	}
	return end, nil
}

// LookOnce does nothing: Resolve leaves the looking to Windows.
func LookOnce() (again func()) { return func() {} }

// openFile opens the file path for reading. Unlike os.Open it lets others replace the file meanwhile, as on
// POSIX systems.
func openFile(path string) (*os.File, error) {
	const share = syscall.FILE_SHARE_READ | syscall.FILE_SHARE_WRITE | syscall.FILE_SHARE_DELETE
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ, share, nil, syscall.OPEN_EXISTING, syscall.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

func open(path string, _ fs.FileInfo) bool { return !ofWindows(path) }

func exposed(fs.FileInfo, fs.FileMode) bool { return false }

// A virus scanner or indexer opens a new file for some milliseconds, and a reader the old one;
// both may forbid the replacement meanwhile.
const (
	replaceTries = 12
	firstPause   = time.Millisecond
	lastPause    = 100 * time.Millisecond
)

// replace moves temp to name. NTFS replaces atomically, also a file that is open; where that cannot be, the old
// file of the caller is closed.
func (d *Dir) replace(temp, name string, old *os.File) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := d.byPath(d.Root.Rename(temp, name), func(prefix string) error { return os.Rename(prefix+temp, prefix+name) })
		if err == nil || !busy(err) || try == replaceTries {
			return err
		}
		_ = old.Close() // of nil is an error, too
		time.Sleep(pause)
		pause = min(2*pause, lastPause)
	}
}

func busy(err error) bool {
	return errors.Is(err, errSharingViolation) || errors.Is(err, errLockViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
}

// protect gives the file name an access control list as mkdir does. Whoever may not set one is in a directory of others,
// who have seen to that.
func (d *Dir) protect(name string) {
	if list, err := private(); err == nil {
		d.setAccess(name, list)
		_, _ = syscall.LocalFree(syscall.Handle(list))
	}
}

// KeepAccess gives the file name the access control list of another file in the directory, which may be stricter than
// that of the directory. Whoever may not set one has not made the other's either.
func (d *Dir) KeepAccess(name string, of fs.FileInfo) error {
	path, err := syscall.UTF16PtrFromString(d.path + `\` + of.Name())
	if err != nil {
		return err
	}
	list := new([64 << 10]byte) // the largest there is
	var size uint32
	ok, _, _ := getSecurity.Call(uintptr(unsafe.Pointer(path)), accessList, uintptr(unsafe.Pointer(list)), unsafe.Sizeof(*list), uintptr(unsafe.Pointer(&size))) //nolint:gosec // the same
	if ok != 0 {
		d.setAccess(name, uintptr(unsafe.Pointer(list))) //nolint:gosec // the same
		runtime.KeepAlive(list)
	}
	return nil
}

const accessList = 4 // DACL_SECURITY_INFORMATION

func (d *Dir) setAccess(name string, list uintptr) {
	if path, err := syscall.UTF16PtrFromString(d.path + `\` + name); err == nil {
		_, _, _ = setSecurity.Call(uintptr(unsafe.Pointer(path)), accessList, list) //nolint:gosec // the same
	}
}

func (d *Dir) remove(name string) error {
	return d.byPath(d.Root.Remove(name), func(prefix string) error { return os.Remove(prefix + name) })
}

// flush does nothing: Windows cannot flush a directory, and NTFS journals it.
func (*Dir) flush(Options) error { return nil }

// linkless reports whether err says that the file system has no hard links.
func linkless(err error) bool { return unsupported(err) }

// Flags of LockFileEx.
const (
	lockfileFailImmediately = 1
	lockfileExclusiveLock   = 2
)

var (
	kernel32     = syscall.NewLazyDLL("kernel32.dll") //nolint:gochecknoglobals // as in package syscall itself, which has the path of the system's
	lockFileEx   = kernel32.NewProc("LockFileEx")     //nolint:gochecknoglobals // the same
	unlockFileEx = kernel32.NewProc("UnlockFileEx")   //nolint:gochecknoglobals // the same

	advapi32      = syscall.NewLazyDLL("advapi32.dll")                                       //nolint:gochecknoglobals // the same
	parseSecurity = advapi32.NewProc("ConvertStringSecurityDescriptorToSecurityDescriptorW") //nolint:gochecknoglobals // the same
	getSecurity   = advapi32.NewProc("GetFileSecurityW")                                     //nolint:gochecknoglobals // the same
	setSecurity   = advapi32.NewProc("SetFileSecurityW")                                     //nolint:gochecknoglobals // the same
)

// flock tries to lock the first byte of f.
func flock(f *os.File, share Share) (held bool, err error) {
	flags := uintptr(lockfileFailImmediately)
	if share == Alone {
		flags |= lockfileExclusiveLock
	}
	ok, _, err := lockFileEx.Call(f.Fd(), flags, 0, 1, 0, uintptr(unsafe.Pointer(&syscall.Overlapped{}))) //nolint:gosec // the way of package syscall itself
	switch {
	case ok != 0:
		return true, nil
	case errors.Is(err, errLockViolation) || errors.Is(err, syscall.ERROR_IO_PENDING):
		return false, nil
	}
	return false, &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
}

// funlock frees the lock at once; after closing alone, Windows frees it when it has time.
func funlock(f *os.File) {
	_, _, _ = unlockFileEx.Call(f.Fd(), 0, 1, 0, uintptr(unsafe.Pointer(&syscall.Overlapped{}))) //nolint:gosec // the same
}
