package enroll

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/private"
)

// TryLock takes the lock, which the kernel frees when its holder dies. It rests beside the journal and
// not in the cache: whoever shares the one must share the other. A disk that has no locks is
// an error, as two runs would delete each other's key.
func (j FileJournal) TryLock() (unlock func(), held bool, err error) {
	root, err := private.MakeDir(j.Dir, private.Writable)
	if err != nil {
		return nil, false, private.InWords(j.Dir, err)
	}
	defer func() { _ = root.Close() }()
	name := j.hashed() + ".lock"
	err = atomicfile.Dir{Root: root, Rand: rand.Reader}.Create(name, nil, atomicfile.Options{})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, false, private.InWords(filepath.Join(j.Dir, name), err)
	}
	lock := flock.New(filepath.Join(j.Dir, name), flock.SetFlag(os.O_RDWR)) // NFS locks only what is open for writing
	held, err = lock.TryLock()
	switch {
	case err != nil:
		return nil, false, private.InWords(filepath.Join(j.Dir, name), err)
	case !held:
		return nil, false, lock.Close()
	case !inPlace(root, name, lock):
		_ = lock.Unlock()
		return nil, false, fault.New(fault.Filesystem, j.Dir, "run the command again", "was replaced while it was in use")
	}
	return func() { _ = lock.Unlock() }, true, nil
}

// inPlace reports whether the locked file is the one in the directory that was checked. If not,
// other processes lock another one.
func inPlace(root *os.Root, name string, lock *flock.Flock) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := root.Lstat(name)
	return err == nil && os.SameFile(locked, there)
}
