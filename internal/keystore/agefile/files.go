package agefile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

const (
	itemSuffix = ".age"

	maxName = 1024     // of an item, in bytes; the longest ARN of an MFA device has about 800
	maxSlug = 48       // of what a file's name has of it, in bytes
	maxFile = 64 << 10 // more than any file of a store needs, in bytes

	lockLimit = 10 * time.Second
)

// fileName returns the file of the item name: its letters and digits, for people, and a digest, which
// keeps names apart that differ in case or in the rest. It is a valid name on every file system:
// short, lower case, no separator, no device of Windows, no option, and none of our other files'.
func fileName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	slug := strings.Join(words, "-")
	slug = strings.TrimSuffix(slug[:min(len(slug), maxSlug)], "-")
	digest := sha256.Sum256([]byte(name))
	return cmp.Or(slug, "item") + "-" + hex.EncodeToString(digest[:10]) + itemSuffix
}

// checkName refuses names that no item can have.
func checkName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fault.New(fault.Usage, "the name of the item", "", "has to be 1 to %d bytes of UTF-8", maxName)
	}
	return nil
}

// in has work done in the store's directory, which open opens: securefile.OpenDir, which fails with
// fs.ErrNotExist if there is none, or securefile.MakeDir.
func (s *Store) in(open func(string, fs.FileMode) (*securefile.Dir, error), work func(*securefile.Dir) error) error {
	dir, err := open(s.Dir, securefile.Open)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return securefile.Fault(s.Dir, err)
	}
	defer func() { _ = dir.Close() }()
	return work(dir)
}

// locked has work done under the lock of the store. Those who store and delete items share it. Who changes the keys
// holds it alone: an item that is encrypted to keys on their way out would be lost. Readers take
// none. Where the disk has no locks, items can be stored nevertheless; the keys cannot be changed.
// The error is that of work, a *fault.Error, or ctx's cause.
func (s *Store) locked(ctx context.Context, dir *securefile.Dir, share securefile.Share, work func() error) error {
	limited, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	unlock, err := dir.Lock(limited, lockFile, share)
	switch {
	case err == nil:
		defer unlock()
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Cause(ctx)
	case limited.Err() != nil:
		return fault.New(fault.Deadline, s.path(lockFile), "try again when it has ended", "another process holds the lock")
	case share == securefile.Alone || !errors.Is(err, errors.ErrUnsupported):
		return securefile.Fault(s.path(lockFile), err)
	}
	return work()
}

// read returns the content of a file, or fs.ErrNotExist. Other errors are *fault.Error.
func (s *Store) read(dir *securefile.Dir, file string) ([]byte, error) {
	data, err := dir.Read(file, maxFile)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	return nil, s.unreadable(dir, file, err)
}

// unreadable says what is wrong with a file that could not be read.
func (s *Store) unreadable(dir *securefile.Dir, file string, err error) error {
	path := s.path(file)
	info, failed := dir.Root.Lstat(file)
	switch {
	case failed != nil:
		return securefile.Fault(path, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fault.New(fault.Permissions, path, "put the file itself in its place", "is a symbolic link")
	case !info.Mode().IsRegular():
		return fault.New(fault.NoSecret, path, "move it away", "is no regular file")
	case !securefile.Owned(info):
		return securefile.Foreign(path, info)
	case info.Mode().Perm()&securefile.Open != 0:
		return fault.New(fault.Permissions, path, "run: chmod 600 "+fault.Shell(path), "is open to other users (mode %04o)", info.Mode().Perm())
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Permissions, path, "run: chmod 600 "+fault.Shell(path), "cannot be read (mode %04o)", info.Mode().Perm())
	case info.Size() > maxFile:
		return s.damaged(file, "is too large to be what it should be (%d bytes)", info.Size())
	}
	return securefile.Fault(path, err)
}

// damaged is the error for a file that does not hold what it should.
func (s *Store) damaged(file, format string, args ...any) *fault.Error {
	return fault.New(fault.NoSecret, s.path(file), "restore the file from a backup", format, args...)
}

// unopened is the error for an identity that is gone, without which the items cannot be decrypted.
func (s *Store) unopened(how string) *fault.Error {
	path := fault.Shell(s.Dir)
	return fault.New(fault.NoSecret, s.path(identityFile), "restore it from a backup; if there is none, run: mv "+path+" "+path+".bad, and store the secrets again",
		"%s, and nothing else opens what is stored", how)
}

// write writes a file durably. The error is a *fault.Error.
func (s *Store) write(dir *securefile.Dir, file string, data []byte) error {
	err := s.beforeWrite()
	if err == nil {
		err = dir.Write(file, data, securefile.Options{Durable: true})
	}
	if err != nil {
		return securefile.Fault(s.path(file), err)
	}
	return nil
}

// remove removes a file, if it is there.
func (s *Store) remove(dir *securefile.Dir, file string) error {
	if err := dir.Remove(file); err != nil {
		return securefile.Fault(s.path(file), err)
	}
	return nil
}

// items returns the files of all items.
func (s *Store) items(dir *securefile.Dir) ([]string, error) {
	entries, err := fs.ReadDir(dir.Root.FS(), ".")
	if err != nil {
		return nil, securefile.Fault(s.Dir, err)
	}
	var files []string
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, itemSuffix) && name != sealedFile {
			files = append(files, name)
		}
	}
	return files, nil
}

func exists(dir *securefile.Dir, file string) bool {
	_, err := dir.Root.Lstat(file)
	return err == nil
}

func hasKeys(dir *securefile.Dir) bool { return exists(dir, identityFile) || exists(dir, sealedFile) }
