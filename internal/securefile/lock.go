package securefile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const (
	lockPoll = 5 * time.Millisecond // between two tries for a lock that is taken
	tries    = 10                   // if others remove or replace the file meanwhile
)

// Share says with whom a lock is shared.
type Share bool

// The ways to hold a lock.
const (
	Alone  Share = false
	Shared Share = true // with others that hold it Shared
)

// TryLock takes the lock of the file name, if nobody else has it, in this process or another.
// The kernel frees it when its holder dies.
//
// The file is made, complete, if there is none, and never removed: two processes that lock a
// file of the same name must lock the same file. If the directory has been removed or replaced
// meanwhile, the error is a *fault.Error that wraps fs.ErrNotExist. If the file system has no
// locks, it wraps errors.ErrUnsupported; ErrUnusable is something else than a regular file.
func (d *Dir) TryLock(name string, share Share) (unlock func(), held bool, err error) {
	for range tries {
		f, err := d.openLock(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		held, err := flock(f, share)
		switch {
		case !held:
			return nil, false, errors.Join(err, f.Close())
		case d.inPlace(name, f.Stat):
			return func() { funlock(f); _ = f.Close() }, true, nil
		}
		_ = f.Close()
	}
	switch {
	case d.linked(name):
		return nil, false, ErrUnusable
	case !d.Current():
		return nil, false, &fault.Error{Kind: fault.Filesystem, Thing: d.path, Cause: "was replaced while it was in use", Err: fs.ErrNotExist}
	}
	return nil, false, nil
}

// Lock is TryLock, but waits for the lock until ctx ends; the error is then ctx's cause.
func (d *Dir) Lock(ctx context.Context, name string, share Share) (unlock func(), err error) {
	return Wait(ctx, func() (func(), bool, error) { return d.TryLock(name, share) })
}

// Wait waits until try gets a lock or fails, or until ctx ends; the error is then ctx's cause.
func Wait(ctx context.Context, try func() (unlock func(), held bool, err error)) (unlock func(), err error) {
	for {
		unlock, held, err := try()
		if held || err != nil {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

// openLock opens the lock file and makes it first if there is none. NFS locks only what is open
// for writing. No child inherits the file.
func (d *Dir) openLock(name string) (*os.File, error) {
	f, err := d.Root.OpenFile(name, os.O_RDWR|noBlock, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.Create(name, nil, Options{}); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		f, err = d.Root.OpenFile(name, os.O_RDWR|noBlock, 0)
	}
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, f.Close(), ErrUnusable)
	}
	return f, nil
}

// inPlace reports whether what is open, the locked file name or the directory ".", is still what
// other processes find. If not, somebody has removed or replaced it, and they lock another file.
func (d *Dir) inPlace(name string, stat func() (fs.FileInfo, error)) bool {
	open, err := stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(d.path + string(os.PathSeparator) + name)
	return err == nil && os.SameFile(open, there)
}
