package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strconv"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// A cache has its own directory, and spare places for when that fails: the disk is full or read-only, has
// no inode or no lock left, belongs to root since a sudo, or there is no HOME.
//
// All processes of a user have to agree on locks and records, whichever places work for each of them.
// So everything is done in every place that exists, and a spare place is made only by a process for
// which none before it works: a lock is held if it is held wherever it can be had, and of several
// copies of a file the newest counts. A healthy computer has no spare place, and a restart ends most.
// Whoever sees a directory removed, and the locks with it, makes a spare place beside the next one:
// it might be removed again.

// place is one directory of a cache.
type place struct {
	path  string
	spare bool
	open  *securefile.Dir // nil as long as it cannot be used
}

// Spare returns the spare places of the cache directory dir, the best first. What does not depend on
// the environment comes first, because cron, services and shells have different ones. Most are in
// memory, so nothing of them reaches a disk. Windows has none.
func Spare(dir string, getenv func(string) string) (places []string) {
	user := strconv.Itoa(os.Geteuid())
	if user == "-1" {
		return nil
	}
	home := sha256.Sum256([]byte(dir)) // each home has its own settings, and its own cache
	name := "/aws-mfa-creds-" + user + "-" + hex.EncodeToString(home[:8])
	for _, parent := range []string{"/run/user/" + user, "/dev/shm", getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"} {
		if parent != "" && parent[0] == '/' {
			places = append(places, parent+name)
		}
	}
	return places
}

// existing returns the directories that can be read from.
func (c *Cache) existing() (dirs []*securefile.Dir) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.places {
		if p.open != nil {
			dirs = append(dirs, p.open)
		}
	}
	return dirs
}

// gone reports whether somebody has removed a directory that was in use.
func (c *Cache) gone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// look opens the places that exist. The error is that of the first.
func (c *Cache) look() (first error) {
	for i := range c.places {
		_, err := c.at(i, c.lost && i == 1)
		switch {
		case i == 0:
			first = err
		case err != nil && !os.IsNotExist(err): // errors.Is would be slow where it is first used, in a warm get
			c.Log("not used by the cache", "dir", c.places[i].path, "error", err)
		}
	}
	return first
}

// at returns the directory of a place as it is now, and makes it, if create is set, where there is none.
func (c *Cache) at(i int, create bool) (*securefile.Dir, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &c.places[i]
	switch {
	case p.open != nil && p.open.Current():
		return p.open, nil
	case p.open != nil:
		c.lost = true
		p.open = nil // not closed: another goroutine may be using it
	case p.path == "":
		return nil, fault.New(fault.Filesystem, "HOME", "set HOME, or AWS_MFA_CREDS_HOME", "is not set, so there is no place for the cache")
	}
	open := securefile.OpenDir
	switch {
	case create && p.spare:
		open = securefile.MakeIn
	case create:
		open = securefile.MakeDir
	case p.spare:
		if _, err := os.Lstat(p.path); err != nil {
			return nil, err // nearly always: nothing more is looked at
		}
	}
	dir, err := open(p.path, securefile.Open)
	switch {
	case err == nil:
		p.open = dir
	case fault.KindOf(err) == fault.Permissions && Closed(p.path):
		// One that root has left behind hides nothing: the spare places serve.
		return nil, &fs.PathError{Op: "open", Path: p.path, Err: fs.ErrPermission}
	}
	return dir, err
}

// Closed reports whether a directory cannot even be opened. A cache goes on without it.
func Closed(path string) bool {
	dir, err := securefile.OpenAnyDir(path)
	if err == nil {
		_ = dir.Close()
	}
	return errors.Is(err, fs.ErrPermission)
}

// errTaken says that somebody else holds a lock.
var errTaken = errors.New("taken")

// each has work done in every place, and makes one only if those before it were not enough. It
// succeeds if one place did. The error, of the first that failed, is errTaken or a *fault.Error.
func (c *Cache) each(work func(*securefile.Dir) error) error {
	var failed error
	done := 0
	for i := range c.places {
		err := c.in(i, done == 0 || done == 1 && c.lost, work)
		switch {
		case err == nil:
			done++
		case errors.Is(err, errTaken):
			_ = c.look() // for a place that the holder has made
			return err
		case i == 0 && fault.KindOf(err) == fault.Permissions:
			return err
		case failed == nil:
			failed = securefile.Fault(c.places[i].path, err)
		}
	}
	if done > 0 {
		return nil
	}
	return failed
}

// in has work done in a place. If somebody removes or replaces the directory meanwhile, work is done
// again in the new one, where other processes look, too.
func (c *Cache) in(i int, create bool, work func(*securefile.Dir) error) error {
	const tries = 5
	for try := 1; ; try++ {
		dir, err := c.at(i, create)
		if err == nil {
			err = work(dir)
		}
		if !errors.Is(err, fs.ErrNotExist) || !create && dir == nil || try == tries {
			return err
		}
	}
}
