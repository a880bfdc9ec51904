package agefile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Get returns the secret stored under name.
func (s *Store) Get(ctx context.Context, name string) (secret creds.Secret, err error) {
	err = s.in(securefile.OpenDir, func(dir *securefile.Dir) error {
		secret, err = s.get(ctx, dir, name)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = s.absent(name)
	}
	return secret, err
}

func (s *Store) get(ctx context.Context, dir *securefile.Dir, name string) (creds.Secret, error) {
	var before snapshot
	var failed error
	for {
		now, err := s.look(dir, name)
		if err != nil {
			return creds.Secret{}, err
		}
		if failed != nil && now.equal(before) {
			return creds.Secret{}, failed
		}
		secret, err := s.getFrom(ctx, now, name)
		if err == nil {
			return secret, nil
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return creds.Secret{}, context.Cause(ctx)
		}
		before, failed = now, err
	}
}

// snapshot is what a reader, who takes no lock, finds of an item and its keys. Should the keys be
// changed between the two, they do not fit, and the next look finds others.
type snapshot struct {
	keys keys
	item []byte
}

func (n snapshot) equal(other snapshot) bool {
	return bytes.Equal(n.item, other.item) && bytes.Equal(n.keys.plain, other.keys.plain) && bytes.Equal(n.keys.sealed, other.keys.sealed)
}

func (s *Store) look(dir *securefile.Dir, name string) (n snapshot, err error) {
	if n.keys, err = s.readKeys(dir); err != nil {
		return snapshot{}, err
	}
	n.item, err = s.read(dir, fileName(name))
	return n, err
}

func (s *Store) getFrom(ctx context.Context, n snapshot, name string) (creds.Secret, error) {
	identities, locked, err := s.identities(ctx, n.keys)
	if err != nil {
		return creds.Secret{}, err
	}
	if n.keys.none() {
		return creds.Secret{}, s.unopened("is missing")
	}
	_, secret, err := openItem(n.item, name, identities)
	if locked != nil && errors.Is(err, errNoMatch) {
		return creds.Secret{}, locked
	}
	if wrong, ok := errors.AsType[problem](err); ok {
		remedy := "restore the file from a backup, or " + addAgain
		if wrong == errNewer {
			remedy = "use a newer aws-mfa-creds"
		}
		err = fault.New(fault.NoSecret, s.path(fileName(name)), remedy, "%s", wrong)
	}
	return secret, err
}

func (s *Store) absent(name string) error {
	return fault.New(fault.NoSecret, name, addAgain, "is not in the age store %s", s.Dir)
}

const addAgain = "run: aws-mfa-creds add --profile NAME"

// Put stores value under name, in place of what was there. A store that has no keys yet gets an
// identity in clear.
func (s *Store) Put(ctx context.Context, name string, value creds.Secret) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.in(securefile.MakeDir, func(dir *securefile.Dir) error {
		if err := s.begin(ctx, dir); err != nil {
			return err
		}
		defer tidy(dir) // once it is unlocked
		return s.locked(ctx, dir, securefile.Shared, func() error { return s.put(ctx, dir, name, value) })
	})
}

func (s *Store) put(ctx context.Context, dir *securefile.Dir, name string, value creds.Secret) error {
	recipients, err := s.recipients(ctx, dir)
	if err != nil {
		return err
	}
	file, err := encrypt(name, value, recipients)
	if err != nil {
		return s.notEncrypted(ctx, s.path(recipientsFile), err)
	}
	return s.write(dir, fileName(name), file)
}

// tidy removes what killed processes have left, at once if nobody is writing: it can be an identity in clear.
func tidy(dir *securefile.Dir) {
	if unlock, held, err := dir.TryLock(lockFile, securefile.Alone); held && err == nil {
		_ = dir.SweepAll()
		unlock()
	}
}

// begin makes the keys of a store for which nobody chose any.
func (s *Store) begin(ctx context.Context, dir *securefile.Dir) error {
	if hasKeys(dir) {
		return nil
	}
	return s.locked(ctx, dir, securefile.Alone, func() error {
		if hasKeys(dir) {
			return nil // another process was first
		}
		pair, err := s.generate()
		if err != nil {
			return err
		}
		return s.first(dir, Protection{}, pair)
	})
}

// notEncrypted puts an error of encrypt into words. where has the recipients.
func (s *Store) notEncrypted(ctx context.Context, where string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	if explained, ok := errors.AsType[*fault.Error](err); ok {
		return explained
	}
	return &fault.Error{Kind: fault.Store, Thing: where, Cause: "age cannot encrypt to these recipients together", Remedy: "do not mix post-quantum recipients and others", Err: err}
}

// Delete removes what is stored under name. That there is nothing is no error.
func (s *Store) Delete(ctx context.Context, name string) error {
	err := s.in(securefile.OpenDir, func(dir *securefile.Dir) error {
		defer tidy(dir)
		file := fileName(name)
		if !exists(dir, file) {
			return nil
		}
		// Whoever changes the keys would write it again.
		return s.locked(ctx, dir, securefile.Shared, func() error { return s.remove(dir, file) })
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
