// Package cache keeps on disk what one process learns for the next: sealed sessions (session.go); the
// records of devices and roles, with their spent time steps and failures, and the skew of this
// machine's clock (device.go); and the locks that let one process get a session while the others wait.
//
// Nothing here is worth failing for. A damaged file, a foreign file or an unknown version is a miss.
// Where the disk is full, read-only or gone, another private place serves (place.go). The one exception
// is a cache directory that others can change: it is refused, because going on would hide that.
//
// The warm path reads through this package, so it imports nothing that Go initializes late (see package
// warm).
package cache

import (
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Options say where a cache is and what it works with. All but Log and Spare are required.
type Options struct {
	Dir   string    // its directory, of its own; made when first written to
	Spare []string  // places to use as well where Dir fails, see Spare
	Keys  KeySource // of the sealing key; asked only when a session is read or written
	Now   func() time.Time

	// Log takes what is worth knowing when the cache does not work as it should: a message and
	// pairs of key and value, as slog.Logger.Debug does.
	Log func(message string, pairs ...any)
}

// Cache is one user's cache. Any number of goroutines and processes may use it at once.
type Cache struct {
	Options

	mu     sync.Mutex
	places []place
	lost   bool // somebody has removed a directory that was in use
}

// Open opens the cache. It changes nothing: a directory that does not exist yet is made by the
// first write. The error is a *fault.Error of kind Permissions, for a directory that is a
// symbolic link, belongs to somebody else or is open to others. Any other trouble with it leaves
// the spare places.
func Open(o Options) (*Cache, error) {
	c := &Cache{Options: o, places: []place{{path: o.Dir}}}
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
	for _, path := range o.Spare {
		c.places = append(c.places, place{path: path, spare: true})
	}
	err := c.look()
	if fault.KindOf(err) == fault.Permissions {
		return nil, err
	}
	if err != nil && !os.IsNotExist(err) {
		c.Log("cache directory not used", "error", err)
	}
	return c, nil
}

// Close frees the directories. Locks that are held stay held.
func (c *Cache) Close() {
	for _, dir := range c.existing() {
		_ = dir.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.places {
		c.places[i].open = nil
	}
}

// read returns the content of the private file name, of at most limit bytes: of the newest, if
// several places have one.
func (c *Cache) read(name string, limit int64) (data []byte, err error) {
	var latest time.Time
	err = fs.ErrNotExist
	for _, dir := range c.existing() {
		info, failed := dir.Root.Lstat(name)
		if failed != nil || data != nil && info.ModTime().Before(latest) {
			continue
		}
		found, failed := dir.Read(name, limit)
		switch {
		case failed == nil:
			data, err, latest = found, nil, info.ModTime()
		case data == nil:
			err = failed
		}
	}
	return data, err
}

// write replaces the file name. The error is a *fault.Error.
func (c *Cache) write(name string, data []byte, o securefile.Options) error {
	return c.each(func(dir *securefile.Dir) error { return dir.Write(name, data, o) })
}

// remove removes the file name. It is no error if there is none; others are *fault.Error.
func (c *Cache) remove(name string) error {
	var failed error
	for _, dir := range c.existing() {
		if err := dir.Remove(name); err != nil && failed == nil {
			failed = securefile.Fault(dir.Path(), err)
		}
	}
	return failed
}
