package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/kernelkey"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Scope is everything that is remembered about one MFA device or one role: its lock
// and its record.
type Scope struct {
	cache *Cache
	file  string // its files' names, less their endings
}

// Scope returns the scope called name. Nothing is read or written by that.
func (c *Cache) Scope(name string) *Scope { return &Scope{c, hashed(name)} }

// record is the form of a record on disk. Many profiles, with sealing keys of their own, share the steps
// that were sent. The rest is told, and believed, only by who has the key of the one that noted it.
type record struct {
	Sent   []totp.Step   `json:"sent,omitempty"`
	Sealed []byte        `json:"sealed,omitempty"` // a rules.Record, as JSON
	Bare   *rules.Record `json:"bare,omitempty"`   // instead, where no key can be had
}

// Load returns the scope's record, or an empty one if there is none that can be read. What anybody may
// have written into it is held within bounds, and its texts are not repeated.
func (s *Scope) Load() rules.Record {
	stored := load[record](s.cache, s.file+".device")
	r := s.unseal(stored)
	r.Sent = stored.Sent
	if s.cache.gone() { // and maybe the record of a code that has just been sent
		r.Claim(totp.StepAt(s.cache.Now()))
	}
	return r.Bounded(s.cache.Now())
}

// unseal returns what is stored but for the steps, as far as it can be believed.
func (s *Scope) unseal(stored record) (r rules.Record) {
	key, err := s.cache.Keys.Read()
	if noKey := err != nil || key.IsZero(); noKey && stored.Bare != nil {
		return stored.Bare.Bare()
	} else if noKey || len(stored.Sealed) == 0 {
		return r
	}
	plain, err := key.Unseal(s.file, stored.Sealed)
	if err == nil {
		err = json.Unmarshal(plain, &r)
	}
	if err != nil {
		s.cache.Log("refusals ignored", "error", err)
		return rules.Record{}
	}
	return r
}

// Save stores the scope's record; the caller holds its lock. The error is a *fault.Error and no
// reason to stop.
func (s *Scope) Save(r rules.Record) error {
	stored := record{Sent: r.Sent}
	r.Sent = nil
	plain, err := json.Marshal(r)
	key, noKey := s.cache.Keys.Read()
	if noKey != nil || key.IsZero() {
		key, noKey = s.cache.createKey()
	}
	if noKey != nil {
		bare := r.Bare()
		stored.Bare = &bare
	} else if err == nil {
		stored.Sealed, err = key.Seal(s.file, plain)
	}
	if err != nil {
		s.cache.Log("refusals not stored", "error", err)
	}
	return save(s.cache, s.file+".device", stored)
}

// claimLife is how long a code is claimed: longer than AWS takes it.
const claimLife = 2 * time.Minute

// Claim claims the code of this mark for this process, in memory of the kernel: also where the cache and its
// locks have been removed, or there is no place for them. It fails with fs.ErrExist if the code has been
// claimed before, and otherwise if the kernel cannot tell.
func (s *Scope) Claim(mark string) error { return s.claim(mark).Claim() }

// Free frees the code of this mark, which was not sent.
func (s *Scope) Free(mark string) { _ = s.claim(mark).Remove() }

func (s *Scope) claim(mark string) kernelkey.Key {
	return kernelkey.Key{Name: ClaimsIn(s.cache.Dir) + hashed(mark), Life: claimLife}
}

// ClaimsIn is how the names of the kernel's keys begin that claim codes for the cache directory dir.
func ClaimsIn(dir string) string { return "aws-mfa-creds:code:" + hashed(dir)[:16] + ":" }

// LoadClock returns the clock that is stored under name, or the zero Clock, which needs no
// correction.
func (c *Cache) LoadClock(name string) rules.Clock {
	return load[rules.Clock](c, hashed(name)+".clock")
}

// SaveClock stores clock under name, or forgets it if it is zero. The error is a
// *fault.Error and no reason to stop.
func (c *Cache) SaveClock(name string, clock rules.Clock) error {
	file := hashed(name) + ".clock"
	if clock.IsZero() && c.remove(file) == nil {
		return nil
	}
	return save(c, file, clock) // newer than one that cannot be removed
}

// Sharing is what is remembered of a cache that this host shares with others.
type Sharing struct {
	Used   time.Time `json:"used,omitzero"`   // when it was of use last
	Failed time.Time `json:"failed,omitzero"` // when it was not, if that was later
	Cause  string    `json:"cause,omitempty"` // of that
}

// LoadSharing returns what is remembered of the shared cache at place.
func (c *Cache) LoadSharing(place string) Sharing { return load[Sharing](c, hashed(place)+".sharing") }

// SaveSharing remembers it.
func (c *Cache) SaveSharing(place string, s Sharing) error {
	return save(c, hashed(place)+".sharing", s)
}

func (s *Scope) lockName() string { return s.file + ".lock" }

// TryLock takes the scope's lock if no process, and nobody else in this one, holds it. The
// kernel frees it when its holder dies. Where no place can give a lock it counts as held:
// work goes on without, and STS, which takes a code only once, is the last fence. The error is
// a *fault.Error of kind Permissions: the directory is not safe.
func (s *Scope) TryLock() (unlock func(), held bool, err error) {
	var locks []func()
	unlock = func() {
		for _, unlock := range locks {
			unlock()
		}
	}
	err = s.cache.each(func(dir *securefile.Dir) error {
		unlock, held, err := dir.TryLock(s.lockName(), securefile.Alone)
		switch {
		case err != nil:
			return err
		case !held:
			return errTaken
		}
		locks = append(locks, unlock)
		return nil
	})
	switch {
	case errors.Is(err, errTaken):
		unlock()
		return nil, false, nil
	case fault.KindOf(err) == fault.Permissions:
		unlock()
		return nil, false, err
	case err != nil:
		s.cache.Log("going on without a lock", "error", err)
	}
	return unlock, true, nil
}

// Holder returns the process that holds the lock, see securefile.Dir.Holder.
func (s *Scope) Holder() (pid int, command string, suspended bool) {
	for _, dir := range s.cache.existing() {
		if pid, command, suspended = dir.Holder(s.lockName()); pid != 0 {
			break
		}
	}
	return pid, command, suspended
}

// Lock is TryLock, but waits until ctx ends; the error is then ctx's cause.
func (s *Scope) Lock(ctx context.Context) (unlock func(), err error) {
	return securefile.Wait(ctx, s.TryLock)
}

// hashed returns a file name, less its ending, for name: of characters that every
// file system has, and without what name tells.
func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:nameSize])
}

const (
	stateVersion = 1

	// maxState is many times what a full record needs, in bytes.
	maxState = 1 << 20
)

// state is the form of the small files, which hold no secrets.
type state[T any] struct {
	Version int `json:"version"`
	Value   T   `json:"value"`
}

// load returns what the file name holds. Damage, another version, no file: the zero
// value.
func load[T any](c *Cache, name string) T {
	var s, none state[T]
	data, err := c.read(name, maxState)
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err == nil && s.Version == stateVersion {
		return s.Value
	}
	if !os.IsNotExist(err) {
		c.Log("state ignored", "file", name, "version", s.Version, "error", err)
	}
	return none.Value
}

// save stores value in the file name, whole or not at all, but without waiting for the
// disk. Other processes see it at once; only power loss can lose it, and by the time
// a machine is up again the time steps in it are over. Waiting would cost every
// mint several flushes.
func save[T any](c *Cache, name string, value T) error {
	data, err := json.Marshal(state[T]{stateVersion, value})
	if err != nil || len(data) > maxState {
		return &fault.Error{Kind: fault.Internal, Thing: "cache", Cause: "the state cannot be stored", Err: err}
	}
	return c.write(name, append(data, '\n'), securefile.Options{})
}
