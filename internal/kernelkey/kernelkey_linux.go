package kernelkey

import (
	"errors"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	keyType       = "user"
	userKeyring   = unix.KEY_SPEC_USER_KEYRING
	threadKeyring = unix.KEY_SPEC_THREAD_KEYRING

	// keyMode lets this user's processes view, read, search and prolong the key,
	// whether their session possesses the user keyring or not (cron, a foreign session
	// keyring), and nobody else anything. Nobody may change it in place.
	keyMode = ofPossessor*(mayView|mayRead|maySearch|mayLink|maySetattr) | ofUser*(mayView|mayRead|maySearch|maySetattr)

	mayView, mayRead, maySearch, mayLink, maySetattr = 0x01, 0x02, 0x08, 0x10, 0x20
	ofPossessor, ofUser                              = 0x1000000, 0x10000
)

// Read returns the key's material, of at most limit bytes, or the error of the kernel.
func (k Key) Read(limit int) ([]byte, error) {
	serial, err := k.Find()
	if err != nil {
		return nil, err
	}
	buf := make([]byte, limit)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, serial, buf, 0)
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
	serial, err = unix.KeyctlSearch(userKeyring, keyType, k.Name, 0)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 512)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_DESCRIBE, serial, buf, 0)
	if err != nil {
		return 0, err
	}
	if n > len(buf) || !privateKey(string(buf[:n]), unix.Geteuid()) {
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
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	serial, err := unix.AddKey(keyType, k.Name, material, threadKeyring)
	if err != nil {
		return err
	}
	defer func() { _, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, serial, threadKeyring, 0, 0) }()
	if err := unix.KeyctlSetperm(serial, keyMode); err != nil {
		return err
	}
	if err := k.expire(serial); err != nil {
		return err
	}
	_, err = unix.KeyctlInt(unix.KEYCTL_LINK, serial, userKeyring, 0, 0)
	return err
}

// Remove ends the key at once, for whoever holds it too. That there is none is no error.
func (k Key) Remove() error {
	serial, err := unix.KeyctlSearch(userKeyring, keyType, k.Name, 0)
	if errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = unix.KeyctlInt(unix.KEYCTL_UNLINK, serial, userKeyring, 0, 0)
	return err
}

func (k Key) expire(serial int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, serial, int(k.Life.Seconds()), 0, 0)
	return err
}
