package ring

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/kernelkey"
)

// keyctlLife is how long the kernel keeps an item.
const keyctlLife = 24 * time.Hour

// keyctlTries is how often an item is looked for before it counts as absent.
const keyctlTries = 5

// keyctl is the user keyring of the Linux kernel, in memory: an item ends with a restart, or 24
// hours after it was stored. The keyctl of the library is not used. Its items never end, other
// sessions of the user (cron, sudo, another login) cannot read them, and giving them other
// permissions makes them in the session keyring first, open to all that possess it and left behind
// on an error. Nor is a worker: these system calls neither hang nor ask.
type keyctl struct{}

// serveKernel serves a request in this process.
func serveKernel(req request) ([]byte, error) { return carryOut(keyctl{}, req) }

func (keyctl) key(name string) kernelkey.Key {
	return kernelkey.Key{Name: service + ":store:" + fileName(name), Life: keyctlLife}
}

func (k keyctl) get(name string) (value []byte, err error) {
	// A key may be replaced, and so end, between the search for it and the reading of it.
	for range keyctlTries {
		value, err = k.key(name).Read(MaxItem)
		if !errors.Is(err, unix.ENOKEY) && !errors.Is(err, unix.EKEYREVOKED) {
			break
		}
	}
	if err == nil && len(value) == 0 {
		return nil, trouble{state: damaged}
	}
	return value, ofKernel(err)
}

func (k keyctl) set(name string, value []byte) error { return ofKernel(k.key(name).Create(value)) }

func (k keyctl) remove(name string) error { return ofKernel(k.key(name).Remove()) }

// ofKernel says what an error of the kernel means, keyrings(7).
func ofKernel(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOKEY), errors.Is(err, unix.EKEYEXPIRED), errors.Is(err, unix.EKEYREVOKED):
		return trouble{state: absent}
	case errors.Is(err, kernelkey.ErrUnusable):
		return trouble{state: damaged}
	case errors.Is(err, unix.EDQUOT):
		return trouble{full, "the quota of this user, see /proc/key-users"}
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EACCES):
		return trouble{state: blocked}
	}
	return trouble{failed, err.Error()}
}
