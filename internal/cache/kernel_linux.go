package cache

import (
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// kernelKey is a key of this name in the user keyring of the Linux kernel, keyrings(7):
// it is in memory that is never swapped, shared by all of the user's sessions, and ends
// with its time-out.
type kernelKey string

const (
	kernelKeyType = "user"
	userKeyring   = unix.KEY_SPEC_USER_KEYRING
	threadKeyring = unix.KEY_SPEC_THREAD_KEYRING

	// kernelKeyMode lets this user's processes view, read, search and prolong the key,
	// whether their session possesses the user keyring or not (cron, a foreign session
	// keyring), and nobody else anything. Nobody may change it in place.
	kernelKeyMode = ofPossessor*(mayView|mayRead|maySearch|mayLink|maySetattr) | ofUser*(mayView|mayRead|maySearch|maySetattr)

	mayView, mayRead, maySearch, mayLink, maySetattr = 0x01, 0x02, 0x08, 0x10, 0x20
	ofPossessor, ofUser                              = 0x1000000, 0x10000
)

// read returns the key's material, or the error of the kernel.
func (k kernelKey) read() ([]byte, error) {
	serial, err := k.find()
	if err != nil {
		return nil, err
	}
	buf := make([]byte, keySize)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, serial, buf, 0)
	if err != nil {
		return nil, err
	}
	if n != keySize {
		return nil, errUnusable
	}
	return buf, nil
}

// find returns the key's serial number, if it is this user's and nobody else's.
func (k kernelKey) find() (serial int, err error) {
	serial, err = unix.KeyctlSearch(userKeyring, kernelKeyType, string(k), 0)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 512)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_DESCRIBE, serial, buf, 0)
	if err != nil {
		return 0, err
	}
	if n > len(buf) || !privateKey(string(buf[:n]), unix.Geteuid()) {
		return 0, errUnusable
	}
	return serial, nil
}

// privateKey reports whether a key described as "type;uid;gid;permissions;name" belongs
// to the user uid and gives nothing to group and others.
func privateKey(described string, uid int) bool {
	fields := strings.SplitN(described, ";", 5)
	if len(fields) != 5 || fields[0] != kernelKeyType || fields[1] != strconv.Itoa(uid) {
		return false
	}
	mode, err := strconv.ParseUint(fields[3], 16, 32)
	return err == nil && mode%ofUser == 0
}

// renew makes the key live on for keyLife from now. A key that cannot be renewed only
// ends sooner.
func (k kernelKey) renew() {
	if serial, err := k.find(); err == nil {
		_ = expire(serial)
	}
}

// create makes the key, in place of any other of its name. It is made complete in the
// keyring of this thread and only then linked into the user's, as a file is written
// aside and renamed: other processes see no key or the finished one.
func (k kernelKey) create(material []byte) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	serial, err := unix.AddKey(kernelKeyType, string(k), material, threadKeyring)
	if err != nil {
		return err
	}
	defer func() { _, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, serial, threadKeyring, 0, 0) }()
	if err := unix.KeyctlSetperm(serial, kernelKeyMode); err != nil {
		return err
	}
	if err := expire(serial); err != nil {
		return err
	}
	_, err = unix.KeyctlInt(unix.KEYCTL_LINK, serial, userKeyring, 0, 0)
	return err
}

func expire(serial int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, serial, int(keyLife.Seconds()), 0, 0)
	return err
}
