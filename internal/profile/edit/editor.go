package edit

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Editor changes profiles.ini and the files of the AWS tools. Every byte that an edit is
// not about stays, and so do a file's mode, its owner where the system allows it, and the
// symbolic link that leads to it. New files are 0600, new directories 0700.
//
// A file is replaced as a whole, durably, and only if nobody has changed it since it was
// read; edits of this program wait for each other. Where there is nothing to change,
// nothing is written.
//
// Errors are *fault.Error: of kind Config for a file that cannot be edited as it is or was
// changed meanwhile, Filesystem for what the disk refuses, Permissions for a profiles.ini that
// others can change, Usage for a name or value that cannot be written, Deadline if other
// edits do not end.
type Editor struct {
	Paths  profile.Paths
	DryRun bool // work everything out, but write and create nothing

	// NoBackup has RemoveStaticKey keep no copy of the file.
	NoBackup bool
}

// Change is what an edit has done to one file, or with DryRun would do.
type Change struct {
	Path    string       // of the file, as it is configured
	Old     creds.Secret // its content before; empty if there was no file
	New     creds.Secret // its content after
	Changed bool         // whether there is a difference, and so was something to write
	Backup  string       // path of the copy of Old that was made, or ""
}

// The lock is one for all files: edits are rare and short, and some are about two.
const (
	lockName = ".profiles.lock"
	lockWait = 20 * time.Second
)

// transact has work read files and decide what becomes of them, and writes them, all
// under the lock.
func (e Editor) transact(ctx context.Context, work func() ([]*target, error)) error {
	if e.Paths.Own == "" {
		return fault.New(fault.Config, "profiles.ini", "set "+profile.EnvHome, "there is no home directory to keep it in")
	}
	if e.DryRun {
		_, err := work()
		return err
	}
	unlock, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	targets, err := work()
	if err != nil {
		return err
	}
	return commit(targets)
}

// lock waits for the lock. Where the disk cannot give one, work goes on without: that
// nobody changed a file meanwhile is checked in any case.
func (e Editor) lock(ctx context.Context) (unlock func(), err error) {
	path := filepath.Dir(e.Paths.Own)
	dir, err := openDir(path)
	if err != nil {
		return func() {}, nil // writing the file itself says what is wrong
	}
	defer func() { _ = dir.Close() }()
	waiting, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err = dir.Lock(waiting, lockName, securefile.Alone)
	switch {
	case err == nil:
		return unlock, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.New(fault.Deadline, filepath.Join(path, lockName), "end the one that hangs, and run it again", "another edit has held the lock for %s", lockWait)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("wait for the lock: %w", ctx.Err())
	}
	return func() {}, nil
}
