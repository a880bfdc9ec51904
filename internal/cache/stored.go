package cache

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/kernelkey"
)

// keyLife is how long an unused sealing key lives where it can be made to end. Every
// session that is stored renews it, so it outlives all that is sealed with it, and
// reading need not.
const keyLife = longestSession + time.Hour

// StoredKey is a KeySource whose key is random and rests apart from the entries: in
// memory of the kernel where there is a keyring for the user (Linux), else in a file of
// another directory. A key that is lost, expired or unusable is followed by a new
// one; what the old one sealed are misses.
type StoredKey struct {
	Name string    // of the key in the kernel's keyring
	Dir  string    // the directory for the key file: the settings', not the cache's
	Rand io.Reader // crypto/rand.Reader in earnest
}

// Read implements KeySource.
func (s StoredKey) Read() (Key, error) {
	material, err := s.read()
	if err != nil {
		material, err = s.file().read()
	}
	return stored(material, err)
}

// Create implements KeySource. The errors are the key file's: *fault.Error of kind
// Permissions if its directory is not safe, else the file system's.
func (s StoredKey) Create() (Key, error) {
	if material, err := s.read(); err == nil {
		s.kernel().Renew()
		return stored(material, nil)
	}
	fresh := make([]byte, keySize)
	if _, err := io.ReadFull(s.Rand, fresh); err != nil {
		return Key{}, fmt.Errorf("random numbers: %w", err)
	}
	if err := s.kernel().Create(fresh); err != nil {
		return stored(s.file().create(fresh))
	}
	clear(fresh)
	return stored(s.read()) // which may be that of another process
}

// Where tells in words where the key rests now. It makes no key.
func (s StoredKey) Where() string {
	file := s.file()
	_, kernel := s.read()
	_, disk := file.read()
	switch {
	case kernel == nil:
		return fmt.Sprintf("in the kernel's keyring of this user, in memory only; gone %.0f hours after the last new session, or with a restart", keyLife.Hours())
	case disk == nil:
		return fmt.Sprintf("in %s, readable by this user only (the kernel's keyring: %v)", file.path(), kernel)
	case errors.Is(disk, ErrNoKey):
		return "nowhere yet: it is made with the first session"
	default:
		return fmt.Sprintf("nowhere: %s cannot be used: %v", file.path(), disk)
	}
}

func (s StoredKey) kernel() kernelkey.Key { return kernelkey.Key{Name: s.Name, Life: keyLife} }

// read returns the material in the kernel's keyring.
func (s StoredKey) read() ([]byte, error) {
	material, err := s.kernel().Read(keySize)
	if err == nil && len(material) != keySize {
		err = kernelkey.ErrUnusable
	}
	return material, err
}

func (s StoredKey) file() keyFile { return keyFile{s.Dir, s.Rand} }

// stored returns the key that the stored material makes.
func stored(material []byte, err error) (Key, error) {
	if err != nil {
		return Key{}, err
	}
	defer clear(material)
	return newKey(material, saltStored), nil
}
