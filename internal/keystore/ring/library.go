package ring

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/99designs/keyring"
)

// service is how the keyrings know us.
const service = "aws-mfa-creds"

// library is a keyring of 99designs/keyring.
type library struct {
	ring keyring.Keyring
	key  func(name string) string // the key of an item, as the library calls its names
}

// openLibrary opens the one backend that is asked for.
func openLibrary(kind string, config keyring.Config, key func(string) string) (library, error) {
	config.AllowedBackends = []keyring.BackendType{keyring.BackendType(kind)}
	if config.ServiceName == "" {
		config.ServiceName = service
	}
	ring, err := keyring.Open(config)
	return library{ring, key}, err
}

func (l library) get(name string) ([]byte, error) {
	key := l.key(name)
	item, err := l.ring.Get(key)
	if err != nil {
		return nil, err
	}
	// An item under another's name was moved there; pass has moved its own.
	if drafted, _, _ := strings.Cut(item.Key, newMark); item.Key != key && drafted != key {
		return nil, trouble{state: damaged}
	}
	if len(item.Data) == 0 || len(item.Data) > MaxItem {
		return nil, trouble{state: damaged}
	}
	return item.Data, nil
}

func (l library) set(name string, value []byte) error {
	return l.ring.Set(keyring.Item{Key: l.key(name), Data: value, Label: label(name), Description: "secret of aws-mfa-creds"})
}

func (l library) remove(name string) error {
	err := l.ring.Remove(l.key(name))
	if errors.Is(err, keyring.ErrKeyNotFound) {
		return nil
	}
	return err
}

// label is how a person sees an item in Seahorse or Keychain Access.
func label(name string) string { return service + " " + name }

// maxFileName is the longest name of an item as a file, in bytes: file systems take 255, and the
// ending and what a temporary name adds have to fit as well.
const maxFileName = 180

// newMark is between the name of an item and what makes the name of its draft unique, see pass.go.
// No item has it in its file name: there a '~' is before a hash only.
const newMark = "~new~"

// fileName returns the name of an item for keyrings that tell upper case from lower no more than
// file systems of macOS and Windows do, or whose names are paths: two names never become the
// same, whatever folds their case, and none is a path. What is not a lower-case letter, a
// digit or one of ":@_-." inside is written as %xx; a name that gets too long is cut, and told
// from others by its hash.
func fileName(name string) string {
	const kept, hexDigits = "abcdefghijklmnopqrstuvwxyz0123456789:@_-.", "0123456789abcdef"
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; strings.IndexByte(kept, c) >= 0 && (i > 0 || c != '.' && c != '-') {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	if b.Len() <= maxFileName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(name))
	return b.String()[:maxFileName-1-2*len(sum)] + "~" + hex.EncodeToString(sum[:])
}
