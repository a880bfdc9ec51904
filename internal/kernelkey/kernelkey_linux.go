package kernelkey

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// The operations of keyctl(2), and the ids of keyrings, from linux/keyctl.h. They are called
// without x/sys/unix, because the warm path goes through here (internal/warm).
const (
	keyctlSetperm    = 5
	keyctlDescribe   = 6
	keyctlLink       = 8
	keyctlUnlink     = 9
	keyctlSearch     = 10
	keyctlRead       = 11
	keyctlSetTimeout = 15
	keyctlMove       = 30
	moveExclusive    = 1

	threadKeyring = -1
	userKeyring   = -4
)

const (
	keyType = "user"

	// keyMode lets this user's processes view, read, search and prolong the key,
	// whether their session possesses the user keyring or not (cron, a foreign session
	// keyring), and nobody else anything. Nobody may change it in place.
	keyMode = ofPossessor*(mayView|mayRead|maySearch|mayLink|maySetattr) | ofUser*(mayView|mayRead|maySearch|maySetattr)

	mayView, mayRead, maySearch, mayLink, maySetattr = 0x01, 0x02, 0x08, 0x10, 0x20
	ofPossessor, ofUser                              = 0x1000000, 0x10000
)

// Keys that have ended count among the user's 200 until the kernel collects them, a moment later. If there is no room,
// a key is tried so often again, after such a pause.
const (
	collectTries = 10
	collectPause = 20 * time.Millisecond
)

// Read returns the key's material, of at most limit bytes, or the error of the kernel.
func (k Key) Read(limit int) ([]byte, error) {
	serial, err := k.Find()
	if err != nil {
		return nil, err
	}
	buf := make([]byte, limit)
	n, err := fill(keyctlRead, serial, buf)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, ErrUnusable
	}
	return buf[:n], nil
}

// Find returns the key's serial number, if it is this user's and nobody else's.
func (k Key) Find() (serial int, err error) {
	serial, err = k.search()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 512)
	n, err := fill(keyctlDescribe, serial, buf)
	if err != nil {
		return 0, err
	}
	if n > len(buf) || !privateKey(string(buf[:n]), os.Geteuid()) {
		return 0, ErrUnusable
	}
	return serial, nil
}

// privateKey reports whether a key described as "type;uid;gid;permissions;name" belongs
// to the user uid and gives nothing to group and others.
func privateKey(described string, uid int) bool {
	fields := strings.SplitN(described, ";", 5)
	if len(fields) != 5 || fields[0] != keyType || fields[1] != strconv.Itoa(uid) {
		return false
	}
	mode, err := strconv.ParseUint(fields[3], 16, 32)
	return err == nil && mode%ofUser == 0
}

// Renew makes the key live on for its Life from now. A key that cannot be renewed only
// ends sooner.
func (k Key) Renew() {
	if serial, err := k.Find(); err == nil {
		_ = k.expire(serial)
	}
}

// Create makes the key, in place of any other of its name. It is made complete in the
// keyring of this thread and only then linked into the user's, as a file is written
// aside and renamed: other processes see no key or the finished one.
func (k Key) Create(material []byte) error {
	return k.publish(material, func(serial int) error { return keyctl(keyctlLink, serial, userKeyring) })
}

// Claim makes the key, which has no content, or fails with fs.ErrExist if there is one: of many processes
// one succeeds. It needs Linux 5.3.
func (k Key) Claim() error {
	return k.publish([]byte{0}, func(serial int) error {
		from, to := threadKeyring, userKeyring
		_, err := result(syscall.Syscall6(syscall.SYS_KEYCTL, keyctlMove, uintptr(serial), uintptr(from), uintptr(to), moveExclusive, 0))
		return err
	})
}

// publish makes the key and has put bring it from the keyring of a thread to the user's. The thread ends then, and
// with it its keyring, which is one of the 200 keys of the user: a hundred processes that wait would fill them.
func (k Key) publish(material []byte, put func(serial int) error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- k.publishHere(material, put)
	}()
	return <-done
}

func (k Key) publishHere(material []byte, put func(serial int) error) error {
	serial, err := k.add(material)
	for try := 0; errors.Is(err, syscall.EDQUOT) && try < collectTries; try++ {
		time.Sleep(collectPause)
		serial, err = k.add(material)
	}
	if err != nil {
		return err
	}
	defer func() { _ = keyctl(keyctlUnlink, serial, threadKeyring) }()
	if err := keyctl(keyctlSetperm, serial, keyMode); err != nil {
		return err
	}
	if err := k.expire(serial); err != nil {
		return err
	}
	return put(serial)
}

// Remove ends the key at once, for whoever holds it too. That there is none is no error.
func (k Key) Remove() error {
	serial, err := k.search()
	if errors.Is(err, syscall.ENOKEY) || errors.Is(err, syscall.EKEYEXPIRED) || errors.Is(err, syscall.EKEYREVOKED) {
		return nil
	}
	if err != nil {
		return err
	}
	return keyctl(keyctlUnlink, serial, userKeyring)
}

func (k Key) expire(serial int) error {
	return keyctl(keyctlSetTimeout, serial, int(k.Life.Seconds()))
}

// search returns the serial number of the key in the user's keyring.
func (k Key) search() (int, error) {
	name, err := syscall.BytePtrFromString(k.Name)
	if err != nil {
		return 0, err
	}
	keyring := userKeyring
	return result(syscall.Syscall6(syscall.SYS_KEYCTL, keyctlSearch, uintptr(keyring), uintptr(unsafe.Pointer(typeName())), uintptr(unsafe.Pointer(name)), 0, 0)) //nolint:gosec // a system call takes addresses
}

// add makes the key in the keyring of this thread, add_key(2).
func (k Key) add(material []byte) (int, error) {
	name, err := syscall.BytePtrFromString(k.Name)
	if err != nil {
		return 0, err
	}
	keyring := threadKeyring
	return result(syscall.Syscall6(syscall.SYS_ADD_KEY, uintptr(unsafe.Pointer(typeName())), uintptr(unsafe.Pointer(name)), //nolint:gosec // a system call takes addresses
		uintptr(unsafe.Pointer(unsafe.SliceData(material))), uintptr(len(material)), uintptr(keyring), 0)) //nolint:gosec // a system call takes addresses
}

// keyctl calls an operation that takes two numbers.
func keyctl(operation, first, second int) error {
	_, err := result(syscall.Syscall6(syscall.SYS_KEYCTL, uintptr(operation), uintptr(first), uintptr(second), 0, 0, 0))
	return err
}

// fill calls an operation that fills buf, and returns how many bytes there are to have, which may be
// more.
func fill(operation, serial int, buf []byte) (int, error) {
	return result(syscall.Syscall6(syscall.SYS_KEYCTL, uintptr(operation), uintptr(serial), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)), 0, 0)) //nolint:gosec // a system call takes addresses
}

func result(value, _ uintptr, failed syscall.Errno) (int, error) {
	if failed != 0 {
		return 0, failed
	}
	return int(value), nil
}

func typeName() *byte { return unsafe.StringData(keyType + "\x00") } //nolint:gosec // a system call takes addresses
