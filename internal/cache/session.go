package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

const (
	sessionSuffix = ".session"

	// maxEntry is more than the longest answer of AWS that is read, in bytes: a session that is handed
	// out can be cached, or each of many processes would spend a code of its own.
	maxEntry = 2 << 20

	// longestSession is the most STS grants (GetSessionToken, DurationSeconds).
	longestSession = 36 * time.Hour
)

// Get returns the cached session id. Whether it is still valid is for the caller to
// judge, who knows AWS's time, by session/rules/window.go. id is a digest of all that makes the session what it is.
func (c *Cache) Get(id string) (creds.Session, bool) {
	session, err := c.get(id)
	if err != nil {
		c.Log("session not in the cache", "reason", err)
		return creds.Session{}, false
	}
	return session, true
}

func (c *Cache) get(id string) (creds.Session, error) {
	if len(c.existing()) == 0 {
		return creds.Session{}, fs.ErrNotExist
	}
	key, err := c.Keys.Read()
	if err != nil {
		return creds.Session{}, err
	}
	if key.IsZero() {
		return creds.Session{}, ErrNoKey
	}
	entry, err := c.read(key.Name(id)+sessionSuffix, maxEntry)
	if err != nil {
		return creds.Session{}, err
	}
	return key.UnsealSession(id, entry)
}

// Put stores the session id; once it has returned, the entry survives power loss. The
// error, a *fault.Error, is no reason to withhold the session.
func (c *Cache) Put(id string, s creds.Session) error {
	if err := c.each(func(*securefile.Dir) error { return nil }); err != nil {
		return err
	}
	key, err := c.createKey()
	if err != nil {
		return securefile.Fault(c.Dir, err)
	}
	entry, err := key.SealSession(id, s)
	if err != nil {
		return &fault.Error{Kind: fault.Internal, Thing: "session cache", Cause: "the session cannot be sealed", Err: err}
	}
	if err := c.write(key.Name(id)+sessionSuffix, entry, securefile.Options{Durable: true}); err != nil {
		return err
	}
	c.sweep()
	return nil
}

// Remove forgets the session id.
func (c *Cache) Remove(id string) error {
	if len(c.existing()) == 0 {
		return nil
	}
	key, err := c.Keys.Read()
	switch {
	case errors.Is(err, ErrNoKey), err == nil && key.IsZero():
		return nil // no key, no entry
	case err != nil:
		return securefile.Fault(c.Dir, err)
	}
	return c.remove(key.Name(id) + sessionSuffix)
}

// Clear forgets all sessions but those with the ids keep, whoever's key they are sealed with, and returns
// how many there were. Records and locks stay: they keep token codes from being sent twice.
func (c *Cache) Clear(keep ...string) (n int, err error) {
	gone, kept := make(map[string]bool), make(map[string]bool)
	if key, err := c.Keys.Read(); err == nil && !key.IsZero() {
		for _, id := range keep {
			kept[key.Name(id)+sessionSuffix] = true
		}
	}
	for _, dir := range c.existing() {
		entries, failed := fs.ReadDir(dir.Root.FS(), ".")
		for _, entry := range entries {
			if !strings.HasSuffix(entry.Name(), sessionSuffix) || kept[entry.Name()] {
				continue
			}
			if stays := dir.Remove(entry.Name()); stays != nil {
				failed = stays
			} else {
				gone[entry.Name()] = true
			}
		}
		if failed != nil {
			err = securefile.Fault(dir.Path(), failed)
		}
	}
	return len(gone), err
}

// SealSession returns s as the sealed entry id.
func (k Key) SealSession(id string, s creds.Session) ([]byte, error) {
	plain, err := encode(s)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	entry, err := k.Seal(id, plain)
	if err == nil && len(entry) > maxEntry {
		err = errors.New("too large")
	}
	return entry, err
}

// UnsealSession returns the session that SealSession has sealed.
func (k Key) UnsealSession(id string, entry []byte) (creds.Session, error) {
	plain, err := k.Unseal(id, entry)
	if err != nil {
		return creds.Session{}, err
	}
	defer clear(plain)
	return decode(plain)
}

// encode returns the session as JSON.
func encode(s creds.Session) ([]byte, error) {
	return json.Marshal(map[string]string{
		"id":         s.Credentials.AccessKeyID,
		"secret":     s.Credentials.SecretAccessKey.Reveal(),
		"token":      s.Credentials.SessionToken.Reveal(),
		"expiration": s.Credentials.Expiration.UTC().Format(time.RFC3339Nano),
		"minted":     s.Minted.UTC().Format(time.RFC3339Nano),
	})
}

// decode is the reverse of encode. In plain ASCII without escapes, as all that AWS sends, the keys and values
// are what is between the quotation marks: a warm get has no time for the first use of encoding/json.
func decode(plain []byte) (creds.Session, error) {
	p := make(map[string]string)
	if bytes.ContainsFunc(plain, func(r rune) bool { return r == '\\' || r >= utf8.RuneSelf }) {
		if json.Unmarshal(plain, &p) != nil {
			return creds.Session{}, errDamaged // its error might quote a secret
		}
	} else {
		parts := strings.Split(string(plain), `"`)
		for i := 1; i+2 < len(parts); i += 4 {
			p[parts[i]] = parts[i+2]
		}
	}
	expiration, bad := time.Parse(time.RFC3339, p["expiration"])
	minted, worse := time.Parse(time.RFC3339, p["minted"])
	if bad != nil || worse != nil {
		return creds.Session{}, errDamaged
	}
	return creds.Session{
		Credentials: creds.Credentials{
			AccessKeyID:     p["id"],
			SecretAccessKey: creds.NewSecret(p["secret"]),
			SessionToken:    creds.NewSecret(p["token"]),
			Expiration:      expiration,
		},
		Minted: minted,
	}, nil
}

const (
	sweptName  = "swept"
	sweepEvery = 6 * time.Hour
)

// sweep removes, every few hours, sessions that have expired, whatever key they are sealed with,
// and the temporary files of writers that were killed.
func (c *Cache) sweep() {
	now := c.Now()
	for _, dir := range c.existing() {
		if !sweepDue(dir, now) {
			continue
		}
		if err := dir.Sweep(now.Add(-securefile.Abandoned)); err != nil {
			c.Log("temporary files not swept", "error", err)
		}
		entries, err := fs.ReadDir(dir.Root.FS(), ".")
		if err != nil {
			c.Log("sessions not swept", "error", err)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			// An hour allows for clocks that disagree.
			if err == nil && strings.HasSuffix(entry.Name(), sessionSuffix) && info.Mode().IsRegular() && now.Sub(info.ModTime()) > longestSession+time.Hour {
				_ = dir.Remove(entry.Name())
			}
		}
	}
}

// sweepDue reports whether the last sweep of dir is long ago, or in the future because the
// clock was wrong, and notes this one.
func sweepDue(dir *securefile.Dir, now time.Time) bool {
	if info, err := dir.Root.Lstat(sweptName); err == nil {
		if age := now.Sub(info.ModTime()); age >= 0 && age < sweepEvery {
			return false
		}
	}
	return dir.Write(sweptName, nil, securefile.Options{}) == nil && dir.Root.Chtimes(sweptName, now, now) == nil
}
