package cache

import (
	"io/fs"
	"os"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
)

const (
	sweptName  = "swept"
	sweepEvery = 6 * time.Hour
)

// sweep removes now and then what nobody will ever ask for again: sessions that have
// expired, under whatever key, and the temporary files of writers that were killed.
func (c *Cache) sweep() {
	root, now := c.existing(), c.now()
	if root == nil || !c.sweepDue(root, now) {
		return
	}
	if err := atomicfile.Sweep(root, now.Add(-atomicfile.Abandoned)); err != nil {
		c.log.Debug("temporary files not swept", "error", err)
	}
	names, err := c.sessions()
	if err != nil {
		c.log.Debug("sessions not swept", "error", err)
	}
	for _, name := range names {
		info, err := root.Lstat(name)
		if err == nil && expired(info, now) {
			_ = c.remove(name)
		}
	}
}

// sweepDue reports whether the last sweep is long ago, or in the future because the
// clock was wrong, and notes this one.
func (c *Cache) sweepDue(root *os.Root, now time.Time) bool {
	if info, err := root.Lstat(sweptName); err == nil {
		if age := now.Sub(info.ModTime()); age >= 0 && age < sweepEvery {
			return false
		}
	}
	if err := c.write(sweptName, nil, atomicfile.Options{}); err != nil {
		return false
	}
	return root.Chtimes(sweptName, now, now) == nil
}

// expired reports whether the session in a file has certainly expired. An hour allows
// for clocks that disagree.
func expired(info fs.FileInfo, now time.Time) bool {
	return info.Mode().IsRegular() && now.Sub(info.ModTime()) > longestSession+time.Hour
}
