package agefile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/private"
)

// claim is how much of the store a process needs for itself.
type claim int

// Those who store and delete items do not get into each other's way, and share the lock. Who
// changes the keys has it alone: an item that is encrypted to keys on their way out would be
// lost. Readers take none.
const (
	shared claim = iota
	alone
)

const (
	lockPatience = 10 * time.Second
	lockPoll     = 5 * time.Millisecond
)

// lock takes the lock, which the kernel frees when its holder dies. A disk that has no locks does
// not keep items from being stored; the keys are changed under a lock only. The error is
// a *fault.Error, or ctx's cause.
func (s *Store) lock(ctx context.Context, root *os.Root, c claim) (unlock func(), err error) {
	lock := flock.New(s.path(lockFile), flock.SetFlag(lockFlags), flock.SetPermissions(0o600))
	try := lock.TryLockContext
	if c == shared {
		try = lock.TryRLockContext
	}
	limited, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	held, err := try(limited, lockPoll)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.makeLock(root); err != nil {
			return nil, err
		}
		held, err = try(limited, lockPoll)
	}
	if !held {
		_ = lock.Close()
	}
	switch {
	case held && !inPlace(root, lock):
		_ = lock.Unlock()
		return nil, fault.New(fault.Filesystem, s.dir, "run the command again", "was replaced while it was in use")
	case held:
		return func() { _ = lock.Unlock() }, nil
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, context.Cause(ctx)
	case limited.Err() != nil:
		return nil, fault.New(fault.Deadline, s.path(lockFile), "try again when it has ended", "another process holds the lock")
	case c == shared && noLocks(err):
		return func() {}, nil
	}
	return nil, private.InWords(s.path(lockFile), err)
}

// makeLock makes the lock file, which is never removed, complete with its mode.
func (s *Store) makeLock(root *os.Root) error {
	err := s.files(root).Create(lockFile, nil, atomicfile.Options{})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return private.InWords(s.path(lockFile), err)
	}
	return nil
}

// inPlace reports whether the locked file is the one in the directory that was checked.
func inPlace(root *os.Root, lock *flock.Flock) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := root.Lstat(lockFile)
	return err == nil && os.SameFile(locked, there)
}
