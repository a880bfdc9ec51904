// Package cache keeps on this machine what one call has learnt for the next: sealed
// sessions, the books of devices and roles, and the locks that let one process mint
// while the others wait.
//
// Nothing here is worth failing for. Damage, a foreign file, an unknown version are a
// miss; a disk that is full, read-only or gone loses the cache and never the
// credentials. The one exception is a cache directory that others can get at: that
// is refused, because going on would hide it.
package cache

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/private"
)

// Options say where a cache is and what it works with. All but Log are required.
type Options struct {
	Dir  string    // its directory, of its own; made when first written to
	Keys KeySource // of the sealing key; asked only when a session is read or written
	Now  func() time.Time
	Rand io.Reader // crypto/rand.Reader in earnest
	Log  *slog.Logger
}

// Cache is one user's cache directory. It may be used by any number of goroutines and
// processes at once.
type Cache struct {
	dir  string
	keys KeySource
	now  func() time.Time
	rand io.Reader
	log  *slog.Logger

	mu   sync.Mutex
	root *os.Root // nil as long as the directory cannot be used
}

// Open opens the cache. It changes nothing: a directory that does not exist yet is
// made by the first write. The error is a *fault.Error of kind Permissions, for a
// directory that is a symbolic link, belongs to somebody else or is open to others. Any
// other trouble with it turns the cache off.
func Open(o Options) (*Cache, error) {
	c := &Cache{dir: o.Dir, keys: o.Keys, now: o.Now, rand: o.Rand, log: o.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	root, err := private.OpenDir(c.dir, private.Open)
	switch {
	case err == nil:
		c.root = root
	case fault.KindOf(err) == fault.Permissions:
		return nil, err
	case !errors.Is(err, fs.ErrNotExist):
		c.log.Debug("cache is off", "dir", c.dir, "error", err)
	}
	return c, nil
}

// Close frees the directory. Locks that are held stay held.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.root == nil {
		return nil
	}
	root := c.root
	c.root = nil
	return root.Close()
}

// existing returns the directory, or nil if there is none to read from.
func (c *Cache) existing() *os.Root {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.root
}

// writable returns the directory and makes it if there is none. The error is a
// *fault.Error of kind Permissions or Filesystem.
func (c *Cache) writable() (*os.Root, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.root != nil {
		return c.root, nil
	}
	root, err := private.MakeDir(c.dir, private.Open)
	if err != nil {
		return nil, private.InWords(c.dir, err)
	}
	c.root = root
	return root, nil
}

// read returns the content of the private file name, of at most limit bytes.
func (c *Cache) read(name string, limit int64) ([]byte, error) {
	root := c.existing()
	if root == nil {
		return nil, fs.ErrNotExist
	}
	return private.ReadFile(root, name, limit)
}

// lost gives up the directory root, because it is not at its path any more: somebody has
// removed the cache under our feet. The next write makes a new one.
func (c *Cache) lost(root *os.Root) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.root == root {
		c.root = nil // not closed: another goroutine may be using it
	}
}

// write replaces the file name. The error is a *fault.Error.
func (c *Cache) write(name string, data []byte, o atomicfile.Options) error {
	root, err := c.writable()
	if err != nil {
		return err
	}
	err = c.files(root).Write(name, data, o)
	if errors.Is(err, fs.ErrNotExist) {
		c.lost(root)
	}
	if err != nil {
		return private.InWords(c.dir, err)
	}
	return nil
}

func (c *Cache) files(root *os.Root) atomicfile.Dir {
	return atomicfile.Dir{Root: root, Rand: c.rand}
}

// remove removes the file name. That there is none is no error; others are
// *fault.Error.
func (c *Cache) remove(name string) error {
	root := c.existing()
	if root == nil {
		return nil
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return private.InWords(c.dir, err)
	}
	return nil
}
