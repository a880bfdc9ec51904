package agefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Protection says what opens a store. The zero value is an identity that is generated and kept in
// clear, readable by its user only: what full-disk encryption and file permissions
// protect, and enough where who can read the file could use the store anyway.
type Protection struct {
	// Passphrase, if it is set, encrypts the generated identity.
	Passphrase creds.Secret

	// Recipients and IdentityFile are the user's own keys, both or none: any recipients of age
	// (age1..., and those of plugins), and the path of a file with identities that open what is
	// encrypted to them. The file is copied.
	Recipients   []string
	IdentityFile string
}

// keyPair is a new identity with its recipients, both as texts of one a line.
type keyPair struct {
	identity   creds.Secret
	recipients string
}

// prepare returns the keys of a protection. That the one opens what is encrypted to the
// other has been tried.
func (s *Store) prepare(ctx context.Context, p Protection) (keyPair, error) {
	if len(p.Recipients) == 0 && p.IdentityFile == "" {
		return s.generate()
	}
	if !p.Passphrase.IsZero() || len(p.Recipients) == 0 || p.IdentityFile == "" {
		return keyPair{}, fault.New(fault.Usage, "the protection of the age store", "", "is a passphrase, or recipients with the file of their identity")
	}
	text, err := readOwn(p.IdentityFile)
	if err != nil {
		return keyPair{}, err
	}
	pair := keyPair{text, strings.Join(p.Recipients, "\n") + "\n"}
	return pair, s.try(ctx, pair, p.IdentityFile)
}

// generate returns a new identity in the form of age-keygen.
func (s *Store) generate() (keyPair, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return keyPair{}, err
	}
	public := identity.Recipient().String()
	text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", s.now().UTC().Format(time.RFC3339), public, identity)
	return keyPair{creds.NewSecret(text), public + "\n"}, nil
}

// readOwn reads the user's file of identities.
func readOwn(path string) (creds.Secret, error) {
	f, err := os.Open(path) //nolint:gosec // a path that the user gave
	if err != nil {
		return creds.Secret{}, &fault.Error{Kind: fault.Usage, Thing: path, Cause: "cannot be read", Remedy: "give the path of a file that age takes with -i", Err: err}
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile/4))
	if err != nil || len(text) == maxFile/4 {
		return creds.Secret{}, fault.New(fault.Usage, path, "give the path of a file that age takes with -i", "is no file of identities")
	}
	return creds.NewSecret(string(text)), nil
}

// try encrypts something to the recipients and opens it again: whoever gives the wrong
// file should learn it now.
func (s *Store) try(ctx context.Context, pair keyPair, path string) error {
	recipients, err := parseRecipients(pair.recipients, s.host(ctx))
	if err != nil {
		return fault.New(fault.Usage, "the recipients", "", "are none that age knows: they look like age1..., and SSH keys are not taken")
	}
	identities, err := parseIdentities(pair.identity.Reveal(), s.host(ctx))
	if err != nil {
		return fault.New(fault.Usage, path, "encrypt the store itself with a passphrase, if the file has one", "holds no age identity, or a line that is none")
	}
	probe := []byte("probe")
	file, err := seal(probe, recipients...)
	if err != nil {
		return s.notEncrypted(ctx, err)
	}
	plain, err := unseal(file, identities...)
	if errors.Is(err, errNoMatch) || err == nil && !bytes.Equal(plain, probe) {
		return fault.New(fault.Usage, path, "give the identity of one of the recipients", "does not open what is encrypted to the recipients")
	}
	return err
}

// begin makes the keys of a store for which nobody chose any.
func (s *Store) begin(ctx context.Context, dir *securefile.Dir) ([]age.Recipient, error) {
	pair, err := s.generate()
	if err != nil {
		return nil, err
	}
	if err := s.install(dir, Protection{}, pair); err != nil {
		return nil, err
	}
	return s.recipients(ctx, dir)
}

// install writes the keys of a store: the identity first, because from the moment that
// the recipients are there items are encrypted to them.
func (s *Store) install(dir *securefile.Dir, p Protection, pair keyPair) error {
	if err := s.writeIdentity(dir, p, pair.identity); err != nil {
		return err
	}
	return s.write(dir, recipientsFile, []byte(pair.recipients))
}

func (s *Store) writeIdentity(dir *securefile.Dir, p Protection, text creds.Secret) error {
	if p.Passphrase.IsZero() {
		return s.write(dir, identityFile, []byte(text.Reveal()))
	}
	sealed, err := s.sealIdentity(text, p.Passphrase)
	if err != nil {
		return err
	}
	return s.write(dir, sealedFile, sealed)
}

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
	return s.alone(ctx, func(dir *securefile.Dir) error {
		k, err := s.readKeys(dir)
		if err != nil {
			return err
		}
		if !k.none() {
			return s.rekey(ctx, dir, k, p, pair)
		}
		if err := s.unused(dir); err != nil {
			return err
		}
		return s.install(dir, p, pair)
	})
}

// alone calls f while no other process changes the store.
func (s *Store) alone(ctx context.Context, f func(dir *securefile.Dir) error) error {
	dir, err := s.make()
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	unlock, err := s.lock(ctx, dir, securefile.Alone)
	if err != nil {
		return err
	}
	defer unlock()
	return f(dir)
}

// rekey goes from the keys k to the new pair. Until all items are rewritten the new identity
// stands beside the old one: in the same file, or in the other file of the two.
func (s *Store) rekey(ctx context.Context, dir *securefile.Dir, k keys, p Protection, pair keyPair) error {
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
	if err := s.install(dir, p, keyPair{creds.NewSecret(pair.identity.Reveal() + beside.Reveal()), pair.recipients}); err != nil {
		return err
	}
	if err := s.rewrite(ctx, dir, append(added, old...), pair.recipients); err != nil {
		return err
	}
	if err := s.writeIdentity(dir, p, pair.identity); err != nil {
		return err
	}
	return s.remove(dir, other)
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
func (s *Store) rewrite(ctx context.Context, dir *securefile.Dir, identities []age.Identity, recipients string) error {
	to, err := parseRecipients(recipients, s.host(ctx))
	if err != nil {
		return err
	}
	files, err := s.items(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := s.ended(ctx); err != nil {
			return err
		}
		if err := s.rewriteItem(ctx, dir, file, identities, to); err != nil {
			return err
		}
	}
	return nil
}

// rewriteItem encrypts what is in file again, if that is an item, in its place or, put there by
// hand, not.
func (s *Store) rewriteItem(ctx context.Context, dir *securefile.Dir, file string, identities []age.Identity, to []age.Recipient) error {
	data, err := s.read(dir, file)
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
	return s.write(dir, file, again)
}

// stuck tells how to go on without an item that cannot be opened.
func (s *Store) stuck(file string, err error) error {
	told, ok := errors.AsType[*fault.Error](err)
	if !ok || told.Kind != fault.NoSecret {
		return err
	}
	path := fault.Shell(s.path(file))
	return fault.New(told.Kind, told.Thing, "run: mv "+path+" "+path+".bad"+", and then this command again", "%s", told.Cause)
}
