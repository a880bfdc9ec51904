package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/kernelkey"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// ErrNoKey says that there is no sealing key (any more), so that no entry can be
// read.
var ErrNoKey = errors.New("no sealing key")

// KeySource is where the sealing key comes from.
type KeySource interface {
	// Read returns the key, or ErrNoKey. It is called for every session that is looked
	// for, and changes nothing.
	Read() (Key, error)

	// Create returns the key, makes one if there is none, and prolongs its life if that
	// is limited. It is called for every session that is stored, under a lock of the cache
	// as far as the disk can give one.
	Create() (Key, error)
}

// KeyFunc is a KeySource whose key is derived each time and stored nowhere. It is called often;
// sync.OnceValues keeps what is expensive.
type KeyFunc func() (Key, error)

// Read implements KeySource.
func (f KeyFunc) Read() (Key, error) { return f() }

// Create implements KeySource.
func (f KeyFunc) Create() (Key, error) { return f() }

// While one process makes the sealing key, which takes a millisecond, others wait.
const (
	keyLock     = "sealing key"
	keyPatience = 2 * time.Second
)

// createKey returns the sealing key, made if need be. Without the lock, processes that are the
// first at the same time may seal some entries with keys that are not the one that lasts: those
// are misses.
func (c *Cache) createKey() (Key, error) {
	ctx, cancel := context.WithTimeout(context.Background(), keyPatience)
	defer cancel()
	unlock, err := c.Scope(keyLock).Lock(ctx)
	switch {
	case err == nil:
		defer unlock()
	case ctx.Err() != nil:
		c.Log("going on without the lock", "lock", keyLock)
	default:
		return Key{}, err
	}
	key, err := c.Keys.Create()
	if err == nil && key.IsZero() {
		err = ErrNoKey
	}
	return key, err
}

// keyLife is how long an unused sealing key lives where it can be made to end. Every
// session that is stored renews it, so it outlives all that is sealed with it, and
// reading need not.
const keyLife = longestSession + time.Hour

// StoredKey is a KeySource whose key is random and kept apart from the entries: in the user's
// keyring in the memory of the kernel where there is one (Linux), else in a file of another
// directory. A key that is lost, expired or unusable is replaced by a new one; what the old one
// sealed are misses.
type StoredKey struct {
	Name  string    // of the key in the kernel's keyring
	Dir   string    // the directory for the key file: the settings', not the cache's
	Spare []string  // the cache's spare places, for a key file where Dir takes none
	Rand  io.Reader // for a new key: crypto/rand.Reader
}

// Read implements KeySource.
func (s StoredKey) Read() (Key, error) {
	material, err := s.read()
	if err != nil {
		material, err = s.file(keyFile.read)
	}
	return stored(material, err)
}

// file returns what work makes of the first key file that it can use. The error is that of the first.
func (s StoredKey) file(work func(keyFile) ([]byte, error)) ([]byte, error) {
	material, err := work(keyFile{s.Dir, securefile.MakeDir})
	for i := 0; err != nil && i < len(s.Spare); i++ {
		if found, failed := work(keyFile{s.Spare[i], securefile.MakeIn}); failed == nil {
			return found, nil
		}
	}
	return material, err
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
		return stored(s.file(func(f keyFile) ([]byte, error) { return f.create(fresh) }))
	}
	clear(fresh)
	return stored(s.read()) // which may be that of another process
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

// stored returns the key that the stored material makes.
func stored(material []byte, err error) (Key, error) {
	if err != nil {
		return Key{}, err
	}
	defer clear(material)
	return newKey(material, saltStored), nil
}

// InFile returns what keeps the key from the kernel, if it rests in a file. It makes no key.
func (s StoredKey) InFile() (why error) {
	if _, err := s.file(keyFile.read); err == nil {
		_, why = s.read()
	}
	return why
}

const keyFileName = "sealing.key"

// keyFile is the sealing key as a file: the bare 32 bytes, mode 0600.
type keyFile struct {
	dir  string
	make func(path string, shut fs.FileMode) (*securefile.Dir, error)
}

// read returns the key's material, or ErrNoKey if there is no file. One that others
// could read or have written is never used.
func (f keyFile) read() ([]byte, error) {
	// The directory may be readable for others: the file is not.
	dir, err := securefile.OpenDir(f.dir, securefile.Writable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	return readKey(dir)
}

// create makes the file with the material, or returns what is in the one that another
// process has made. A file that cannot be used is replaced.
func (f keyFile) create(material []byte) ([]byte, error) {
	dir, err := f.make(f.dir, securefile.Writable)
	if err != nil {
		return nil, securefile.Fault(f.dir, err)
	}
	defer func() { _ = dir.Close() }()
	if present, err := readKey(dir); err == nil {
		return present, nil
	}
	durable := securefile.Options{Durable: true}
	err = dir.Create(keyFileName, material, durable)
	if errors.Is(err, fs.ErrExist) {
		if present, err := readKey(dir); err == nil {
			return present, nil
		}
		err = dir.Write(keyFileName, material, durable)
	}
	if err != nil {
		return nil, securefile.Fault(f.dir, err)
	}
	return readKey(dir)
}

func readKey(dir *securefile.Dir) ([]byte, error) {
	material, err := dir.Read(keyFileName, keySize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKey
	}
	if err == nil && len(material) != keySize {
		err = securefile.ErrUnusable
	}
	return material, err
}
