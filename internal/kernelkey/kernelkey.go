// Package kernelkey keeps small secrets in the user keyring of the Linux kernel, keyrings(7): in memory
// that is never swapped, shared by all of the user's sessions, each with a time limit. Other platforms
// have no such keyring.
package kernelkey

import (
	"errors"
	"time"
)

// Key is a key of this name in the keyring of this user.
type Key struct {
	Name string

	// Life is how long the key lives from its creation, or its renewal, in whole seconds.
	Life time.Duration
}

// ErrUnusable says that a key of the name is not this user's alone, or too large.
var ErrUnusable = errors.New("not a private key of this user")
