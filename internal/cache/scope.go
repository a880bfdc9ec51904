package cache

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/ledger"
)

// Scope is everything that is remembered about one MFA device or one role: its lock
// and its books.
type Scope struct {
	cache *Cache
	file  string // its files' names, less their endings
}

// Scope returns the scope called name. Nothing is read or written by that.
func (c *Cache) Scope(name string) *Scope { return &Scope{c, hashed(name)} }

// Load returns the scope's books, or empty ones if there are none that can be read.
func (s *Scope) Load() ledger.Record {
	return load[ledger.Record](s.cache, s.file+".device")
}

// Save stores the scope's books; to be called under its lock. The error is a
// *fault.Error and no reason to stop.
func (s *Scope) Save(r ledger.Record) error {
	return save(s.cache, s.file+".device", r)
}

// LoadClock returns the clock that is stored under name, or the zero Clock, of one that is
// right.
func (c *Cache) LoadClock(name string) ledger.Clock {
	return load[ledger.Clock](c, hashed(name)+".clock")
}

// SaveClock stores clock under name, or forgets it if it is zero. The error is a
// *fault.Error and no reason to stop.
func (c *Cache) SaveClock(name string, clock ledger.Clock) error {
	file := hashed(name) + ".clock"
	if clock.IsZero() {
		return c.remove(file)
	}
	return save(c, file, clock)
}

func (s *Scope) lockName() string { return s.file + ".lock" }

// without goes on without the lock that err has kept away, unless it is dangerous.
func (s *Scope) without(err error) (func(), bool, error) {
	if fault.KindOf(err) == fault.Permissions {
		return nil, false, err
	}
	s.cache.log.Debug("going on without a lock", "error", err)
	return func() {}, true, nil
}

// hashed returns a file name, less its ending, for name: of characters that every
// file system has, and without what name tells.
func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:nameSize])
}
