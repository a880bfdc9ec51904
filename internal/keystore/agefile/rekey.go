package agefile

import (
	"context"
	"errors"
	"os"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Rekey chooses what opens a new store, or changes what opens one that is in use and encrypts all
// items anew. A store that is locked has to be unlocked before, and is locked afterwards.
//
// Whenever it is interrupted, each item can be opened with the identity files that are there, and
// another Rekey goes through with it. An item that cannot be opened stops it, with both
// identities in place.
func (s *Store) Rekey(ctx context.Context, p Protection) error {
	pair, err := s.prepare(ctx, p)
	if err != nil {
		return err
	}
	return s.alone(ctx, func(root *os.Root) error {
		k, err := s.readKeys(root)
		if err != nil {
			return err
		}
		if !k.none() {
			return s.rekey(ctx, root, k, p, pair)
		}
		if err := s.unused(root); err != nil {
			return err
		}
		return s.install(root, p, pair)
	})
}

// alone calls f while no other process changes the store.
func (s *Store) alone(ctx context.Context, f func(root *os.Root) error) error {
	root, err := s.make()
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	unlock, err := s.lock(ctx, root, alone)
	if err != nil {
		return err
	}
	defer unlock()
	return f(root)
}

// rekey goes from the keys k to the new pair. Until all items are rewritten the new identity
// stands beside the old one: in the same file, or in the other file of the two.
func (s *Store) rekey(ctx context.Context, root *os.Root, k keys, p Protection, pair keyPair) error {
	old, locked, err := s.identities(ctx, k)
	if err := errors.Join(err, locked); err != nil {
		return err
	}
	added, err := s.parse(ctx, "the new identity", pair.identity)
	if err != nil {
		return err
	}
	beside, other, err := s.beside(ctx, k, p)
	if err != nil {
		return err
	}
	if err := s.forget(k); err != nil {
		return err
	}
	if err := s.install(root, p, keyPair{creds.NewSecret(pair.identity.Reveal() + beside.Reveal()), pair.recipients}); err != nil {
		return err
	}
	if err := s.rewrite(ctx, root, append(added, old...), pair.recipients); err != nil {
		return err
	}
	if err := s.writeIdentity(root, p, pair.identity); err != nil {
		return err
	}
	return s.remove(root, other)
}

// beside returns what is in the identity file that p will use, and the name of the one that it will
// not.
func (s *Store) beside(ctx context.Context, k keys, p Protection) (text creds.Secret, other string, err error) {
	if p.Passphrase.IsZero() {
		return creds.NewSecret(string(k.plain)), sealedFile, nil
	}
	if k.sealed == nil {
		return creds.Secret{}, identityFile, nil
	}
	text, err = s.unsealed(ctx, k.sealed)
	return text, identityFile, err
}

// forget locks the store: the identity.age that it was unlocked with is about to go.
func (s *Store) forget(k keys) error {
	if k.sealed == nil {
		return nil
	}
	return lockSealed(k.sealed)
}

// rewrite encrypts all items to the recipients.
func (s *Store) rewrite(ctx context.Context, root *os.Root, identities []age.Identity, recipients string) error {
	to, err := parseRecipients(recipients, s.host(ctx))
	if err != nil {
		return err
	}
	files, err := s.items(root)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := s.ended(ctx); err != nil {
			return err
		}
		if err := s.rewriteItem(ctx, root, file, identities, to); err != nil {
			return err
		}
	}
	return nil
}

// rewriteItem encrypts what is in file again, if that is an item, in its place or, put there by
// hand, not.
func (s *Store) rewriteItem(ctx context.Context, root *os.Root, file string, identities []age.Identity, to []age.Recipient) error {
	data, err := s.read(root, file)
	if err != nil {
		return err
	}
	name, secret, err := openItem(data, "", identities)
	if err != nil {
		return s.stuck(file, s.itemInWords(file, err))
	}
	again, err := encrypt(name, secret, to)
	if err != nil {
		return s.notEncrypted(ctx, err)
	}
	return s.write(root, file, again)
}

// stuck tells how to go on without an item that cannot be opened.
func (s *Store) stuck(file string, err error) error {
	told, ok := errors.AsType[*fault.Error](err)
	if !ok || told.Kind != fault.NoSecret {
		return err
	}
	path := fault.Shell(s.path(file))
	return fault.New(told.Kind, told.Thing, "run: mv "+path+" "+path+badSuffix+", and then this command again", "%s", told.Cause)
}
