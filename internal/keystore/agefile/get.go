package agefile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Get returns the secret stored under name.
func (s *Store) Get(ctx context.Context, name string) (creds.Secret, error) {
	root, err := s.open()
	if errors.Is(err, fs.ErrNotExist) {
		return creds.Secret{}, s.absent(name)
	}
	if err != nil {
		return creds.Secret{}, err
	}
	defer func() { _ = root.Close() }()
	var before snapshot
	var failed error
	for {
		now, err := s.look(root, name)
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

func (s *Store) look(root *os.Root, name string) (n snapshot, err error) {
	if n.keys, err = s.readKeys(root); err != nil {
		return snapshot{}, err
	}
	n.item, err = s.read(root, fileName(name))
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
