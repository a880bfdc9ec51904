package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
)

// TryLock takes the scope's lock if no process, and nobody else in this one, holds it.
// The kernel frees it when its holder dies. Where the disk cannot give a lock it counts
// as held: work goes on without, and STS, which takes a code only once, is the last fence.
// The error is a *fault.Error of kind Permissions: the directory is not safe.
func (s *Scope) TryLock() (unlock func(), held bool, err error) {
	root, err := s.cache.writable()
	if err != nil {
		return s.without(err)
	}
	lock, held, err := s.flock(root)
	if err != nil {
		return s.without(err)
	}
	if !held {
		return nil, false, nil
	}
	return func() { _ = lock.Unlock() }, true, nil
}

// flock tries the lock file, which is made once and never removed: two processes that
// lock a file of the same name must lock the same file.
func (s *Scope) flock(root *os.Root) (*flock.Flock, bool, error) {
	lock := flock.New(filepath.Join(s.cache.dir, s.lockName()), flock.SetFlag(lockFlags), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.makeLock(root); err != nil {
			return nil, false, err
		}
		held, err = lock.TryLock()
	}
	if held && !inPlace(root, s.lockName(), lock) {
		s.cache.lost(root)
		return nil, false, lock.Unlock()
	}
	return lock, held, err
}

// makeLock makes the lock file apart and puts it there complete: flock itself would leave
// it the mode that the umask makes of it.
func (s *Scope) makeLock(root *os.Root) error {
	err := s.cache.files(root).Create(s.lockName(), nil, atomicfile.Options{})
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		s.cache.lost(root)
	}
	return err
}

// inPlace reports whether the locked file is the one in the directory that was checked.
// If not, somebody has removed the file or the directory, and other processes lock
// a new one.
func inPlace(root *os.Root, name string, lock *flock.Flock) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := root.Lstat(name)
	return err == nil && os.SameFile(locked, there)
}
