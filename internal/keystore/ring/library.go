package ring

import (
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
