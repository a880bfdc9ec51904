// Package cache keeps on disk what one process learns for the next: sealed sessions (session.go); the
// records of devices and roles, with their spent time steps and failures, and the skew of this
// machine's clock (device.go); and the locks that let one process get a session while the others wait.
//
// Nothing here is worth failing for. A damaged file, a foreign file or an unknown version is a miss. A
// disk that is full, read-only or gone loses the cache, never the credentials. The one exception is a
// cache directory that others can change: it is refused, because going on would hide that.
//
// The warm path reads through this package, so it imports nothing that Go initializes late (see package
// warm).
package cache

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Options say where a cache is and what it works with. All but Log are required.
type Options struct {
	Dir  string    // its directory, of its own; made when first written to
	Keys KeySource // of the sealing key; asked only when a session is read or written
	Now  func() time.Time

	// Log takes what is worth knowing when the cache does not work as it should: a message and
	// pairs of key and value, as slog.Logger.Debug does.
	Log func(message string, pairs ...any)
}

// Cache is one user's cache directory. Any number of goroutines and processes may use it at
// once.
type Cache struct {
	dir  string
	keys KeySource
	now  func() time.Time
	log  func(message string, pairs ...any)

	mu   sync.Mutex
	open *securefile.Dir // nil as long as the directory cannot be used
}

// Open opens the cache. It changes nothing: a directory that does not exist yet is made by the
// first write. The error is a *fault.Error of kind Permissions, for a directory that is a
// symbolic link, belongs to somebody else or is open to others. Any other trouble with it turns
// the cache off.
func Open(o Options) (*Cache, error) {
	c := &Cache{dir: o.Dir, keys: o.Keys, now: o.Now, log: o.Log}
	if c.log == nil {
		c.log = func(string, ...any) {}
	}
	dir, err := securefile.OpenDir(c.dir, securefile.Open)
	switch {
	case err == nil:
		c.open = dir
	case fault.KindOf(err) == fault.Permissions:
		return nil, err
	case !errors.Is(err, fs.ErrNotExist):
		c.log("cache is off", "dir", c.dir, "error", err)
	}
	return c, nil
}

// Close frees the directory. Locks that are held stay held.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		return nil
	}
	dir := c.open
	c.open = nil
	return dir.Close()
}

// existing returns the directory, or nil if there is none to read from.
func (c *Cache) existing() *securefile.Dir {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// writable returns the directory and makes it if there is none. The error is a *fault.Error of
// kind Permissions or Filesystem.
func (c *Cache) writable() (*securefile.Dir, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open != nil {
		return c.open, nil
	}
	dir, err := securefile.MakeDir(c.dir, securefile.Open)
	if err != nil {
		return nil, securefile.Fault(c.dir, err)
	}
	c.open = dir
	return dir, nil
}

// inDir has work done in the directory, which is made if there is none. If somebody has removed
// or replaced it meanwhile, work is done again in a new one, where other processes look, too.
// The error is a *fault.Error.
func (c *Cache) inDir(work func(*securefile.Dir) error) error {
	const tries = 5
	for try := 1; ; try++ {
		dir, err := c.writable()
		if err == nil {
			err = work(dir)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) || try == tries {
			return securefile.Fault(c.dir, err)
		}
		c.lost(dir)
	}
}

// lost gives up the directory, which is no longer at its path.
func (c *Cache) lost(dir *securefile.Dir) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == dir {
		c.open = nil // not closed: another goroutine may be using it
	}
}

// read returns the content of the private file name, of at most limit bytes.
func (c *Cache) read(name string, limit int64) ([]byte, error) {
	dir := c.existing()
	if dir == nil {
		return nil, fs.ErrNotExist
	}
	return dir.Read(name, limit)
}

// write replaces the file name. The error is a *fault.Error.
func (c *Cache) write(name string, data []byte, o securefile.Options) error {
	return c.inDir(func(dir *securefile.Dir) error { return dir.Write(name, data, o) })
}

// remove removes the file name. It is no error if there is none; others are *fault.Error.
func (c *Cache) remove(name string) error {
	dir := c.existing()
	if dir == nil {
		return nil
	}
	if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return securefile.Fault(c.dir, err)
	}
	return nil
}
