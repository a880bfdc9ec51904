package agefile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Get returns the secret stored under name.
func (s *Store) Get(ctx context.Context, name string) (creds.Secret, error) {
	dir, err := s.open()
	if errors.Is(err, fs.ErrNotExist) {
		return creds.Secret{}, s.absent(name)
	}
	if err != nil {
		return creds.Secret{}, err
	}
	defer func() { _ = dir.Close() }()
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
	if errors.Is(err, fs.ErrNotExist) {
		err = s.absent(name)
	}
	return n, err
}

func (s *Store) getFrom(ctx context.Context, n snapshot, name string) (creds.Secret, error) {
	file := fileName(name)
	identities, locked, err := s.identities(ctx, n.keys)
	if err != nil {
		return creds.Secret{}, err
	}
	if n.keys.none() {
		return creds.Secret{}, s.damaged(identityFile, "is missing, and nothing else opens what is stored")
	}
	if len(identities) == 0 && hasHeader(n.item) {
		return creds.Secret{}, locked
	}
	_, secret, err := openItem(n.item, name, identities)
	if errors.Is(err, errNoMatch) && locked != nil {
		return creds.Secret{}, locked
	}
	return secret, s.itemInWords(file, err)
}

// openItem returns the name and the secret in an item's file. name is what the first has to be,
// or "". The error is as of unseal and decode.
func openItem(file []byte, name string, identities []age.Identity) (string, creds.Secret, error) {
	plain, err := unseal(file, identities...)
	if err != nil {
		return "", creds.Secret{}, err
	}
	defer clear(plain)
	return decode(plain, name)
}

// itemInWords puts err, of opening the item in file, into words.
func (s *Store) itemInWords(file string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNotAge):
		return s.badItem(file, "is damaged, or no age file of a version that this program knows")
	case errors.Is(err, errNoMatch):
		return s.badItem(file, "is damaged, or was encrypted to another identity than that of the store")
	case errors.Is(err, errForeign):
		return s.badItem(file, "holds another item: it was renamed, or replaced")
	case errors.Is(err, errNewer):
		return fault.New(fault.NoSecret, s.path(file), "use a newer aws-mfa-creds", "was written by a newer version of this program")
	case errors.Is(err, errDamaged):
		return s.badItem(file, "is damaged")
	}
	return err
}

func (s *Store) badItem(file, cause string) error {
	return fault.New(fault.NoSecret, s.path(file), "restore the file from a backup, or "+addAgain, "%s", cause)
}

func (s *Store) absent(name string) error {
	return fault.New(fault.NoSecret, name, addAgain, "is not in the age store %s", s.dir)
}

const addAgain = "run: aws-mfa-creds add --profile NAME"

// Put stores value under name, in place of what was there. A store that has no keys yet gets an
// identity in clear.
func (s *Store) Put(ctx context.Context, name string, value creds.Secret) error {
	if err := checkName(name); err != nil {
		return err
	}
	dir, err := s.make()
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	recipients, unlock, err := s.ready(ctx, dir)
	if err != nil {
		return err
	}
	defer unlock()
	file, err := encrypt(name, value, recipients)
	if err != nil {
		return s.notEncrypted(ctx, err)
	}
	if err := s.write(dir, fileName(name), file); err != nil {
		return err
	}
	_ = dir.Sweep(s.now().Add(-securefile.Abandoned))
	return nil
}

// ready takes the lock and returns the recipients, made if need be.
func (s *Store) ready(ctx context.Context, dir *securefile.Dir) (recipients []age.Recipient, unlock func(), err error) {
	for _, share := range []securefile.Share{securefile.Shared, securefile.Alone} {
		if unlock, err = s.lock(ctx, dir, share); err != nil {
			return nil, nil, err
		}
		recipients, err = s.recipients(ctx, dir)
		if err == nil && recipients == nil && share == securefile.Alone {
			recipients, err = s.begin(ctx, dir)
		}
		if err == nil && recipients != nil {
			return recipients, unlock, nil
		}
		unlock()
		if err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, fault.New(fault.Internal, s.dir, "", "the age store has no recipients")
}

// notEncrypted puts an error of encrypt into words.
func (s *Store) notEncrypted(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return told
	}
	return &fault.Error{Kind: fault.Store, Thing: s.path(recipientsFile), Cause: "age cannot encrypt to these recipients together", Remedy: "do not mix post-quantum recipients and others", Err: err}
}

// Delete removes what is stored under name. That there is nothing is no error.
func (s *Store) Delete(ctx context.Context, name string) error {
	dir, err := s.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	file := fileName(name)
	if !exists(dir, file) {
		return nil
	}
	unlock, err := s.lock(ctx, dir, securefile.Shared) // whoever changes the keys would write it again
	if err != nil {
		return err
	}
	defer unlock()
	return s.remove(dir, file)
}
