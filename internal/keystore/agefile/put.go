package agefile

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/private"
)

// Put stores value under name, in place of what was there. A store that has no keys yet gets an
// identity in clear. What was there and is damaged is kept beside it as ITEM.age.bad.
func (s *Store) Put(ctx context.Context, name string, value creds.Secret) error {
	if err := checkName(name); err != nil {
		return err
	}
	root, err := s.make()
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	recipients, unlock, err := s.ready(ctx, root)
	if err != nil {
		return err
	}
	defer unlock()
	file, err := encrypt(name, value, recipients)
	if err != nil {
		return s.notEncrypted(ctx, err)
	}
	if s.isBad(ctx, root, name) {
		if err := s.setAside(root, fileName(name)); err != nil {
			return err
		}
	}
	if err := s.write(root, fileName(name), file); err != nil {
		return err
	}
	_ = atomicfile.Sweep(root, s.now().Add(-atomicfile.Abandoned))
	return nil
}

// ready takes the lock and returns the recipients, made if need be.
func (s *Store) ready(ctx context.Context, root *os.Root) (recipients []age.Recipient, unlock func(), err error) {
	for _, c := range []claim{shared, alone} {
		if unlock, err = s.lock(ctx, root, c); err != nil {
			return nil, nil, err
		}
		recipients, err = s.recipients(ctx, root)
		if err == nil && recipients == nil && c == alone {
			recipients, err = s.begin(ctx, root)
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

// isBad reports whether there is a file for name that does not hold it. Without an identity at hand
// only its header is looked at: nothing is asked of a token or a person.
func (s *Store) isBad(ctx context.Context, root *os.Root, name string) bool {
	data, err := s.read(root, fileName(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil || !hasHeader(data) {
		return true
	}
	k, err := s.readKeys(root)
	if err != nil {
		return false
	}
	silent := &Store{dir: s.dir}
	identities, locked, err := silent.identities(ctx, k)
	if _, native := recipientsOf(identities); err != nil || locked != nil || !native {
		return false
	}
	_, _, err = openItem(data, name, identities)
	return err != nil
}

// setAside keeps a file under another name. It stays in its place until it is replaced.
func (s *Store) setAside(root *os.Root, file string) error {
	if err := s.remove(root, file+badSuffix); err != nil {
		return err
	}
	err := root.Link(file, file+badSuffix)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil // another process stores it, too, and has done so
	}
	if err != nil { // no links here, or it is a directory
		err = root.Rename(file, file+badSuffix)
	}
	if err != nil {
		return private.InWords(s.path(file), err)
	}
	return nil
}

// Delete removes what is stored under name, and what was set aside of it. That there is nothing is
// no error.
func (s *Store) Delete(ctx context.Context, name string) error {
	root, err := s.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	file := fileName(name)
	if !exists(root, file) && !exists(root, file+badSuffix) {
		return nil
	}
	unlock, err := s.lock(ctx, root, shared) // who changes the keys would write it again
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(s.remove(root, file), s.remove(root, file+badSuffix))
}

func exists(root *os.Root, file string) bool {
	_, err := root.Lstat(file)
	return err == nil
}
