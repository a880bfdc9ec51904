package ring

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"runtime"
	"slices"
	"strings"

	"github.com/99designs/keyring"
)

// service is how the keyrings know us.
const service = "aws-mfa-creds"

// Kinds returns the stores that this build contains, the most fitting for a desktop first.
func Kinds() []string { return kindsOf(runtime.GOOS, keyring.AvailableBackends()) }

// kindsOf returns those of a build for a system, with what the library has: for macOS it has the Keychain if it
// was built with cgo. On Linux it has nothing from D-Bus in this process, see package worker.
func kindsOf(system string, library []keyring.BackendType) []string {
	switch {
	case system == "linux":
		return []string{SecretService, KWallet, Pass, Keyctl}
	case system == "windows":
		return []string{WinCred}
	case slices.Contains(library, keyring.KeychainBackend):
		return []string{Keychain, Pass}
	}
	return []string{Pass}
}

// open opens the keyring of a request.
func open(req request) (backend, error) {
	switch req.Kind {
	case SecretService:
		return openSecretService(req.Ask)
	case KWallet:
		return openKWallet(req.Ask)
	case Pass:
		return openPass(req.Ask)
	case WinCred: // Windows does not tell upper from lower case in the names of credentials
		return openLibrary(WinCred, keyring.Config{WinCredPrefix: service, ServiceName: "store"}, fileName)
	case Keychain:
		// The item trusts the program that has stored it, so that reading it asks nobody. That
		// nobody is asked by a locked keychain either is up to the limit: Keychain Services have a
		// switch for it, but the library does not pass it on.
		return openLibrary(Keychain, keyring.Config{KeychainTrustApplication: true, KeychainAccessibleWhenUnlocked: true}, plainName)
	}
	return nil, trouble{state: broken}
}

// plainName is the key of an item whose keyring takes any name.
func plainName(name string) string { return name }

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
