package agefile

import (
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

// keyPair is a new identity with its recipients, both also as texts of one a line.
type keyPair struct {
	identity   creds.Secret
	recipients string
	opens      []age.Identity
	to         []age.Recipient
}

// prepare returns the keys of a protection. Before it takes the user's own, it encrypts something to
// the recipients and opens it again: whoever gives the wrong file should learn it now.
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
	pair := keyPair{identity: text, recipients: strings.Join(p.Recipients, "\n") + "\n"}
	if pair.to, err = parseKeys(pair.recipients, s.host(ctx).recipient); err != nil {
		return keyPair{}, fault.New(fault.Usage, "--recipient", "give what age-keygen printed as public key, or a plugin as recipient", "is none that age knows: it looks like age1..., and SSH keys are not taken")
	}
	if pair.opens, err = parseKeys(text.Reveal(), s.host(ctx).identity); err != nil {
		return keyPair{}, fault.New(fault.Usage, p.IdentityFile, giveIdentity, "holds no age identity in clear, or a line that is none")
	}
	file, err := seal([]byte("probe"), pair.to...)
	if err != nil {
		return keyPair{}, s.notEncrypted(ctx, "the recipients", err)
	}
	if _, err = unseal(file, pair.opens...); errors.Is(err, errNoMatch) {
		err = fault.New(fault.Usage, p.IdentityFile, giveIdentity, "does not open what is encrypted to the recipients")
	}
	return pair, err
}

// generate returns a new identity in the form of age-keygen.
func (s *Store) generate() (keyPair, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return keyPair{}, err
	}
	public := identity.Recipient()
	text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", s.Now().UTC().Format(time.RFC3339), public, identity)
	return keyPair{creds.NewSecret(text), public.String() + "\n", []age.Identity{identity}, []age.Recipient{public}}, nil
}

const giveIdentity = "give the file with the identity of one of the recipients, as age-keygen or a plugin wrote it"

// readOwn reads the user's file of identities.
func readOwn(path string) (creds.Secret, error) {
	f, err := os.Open(path) //nolint:gosec // a path that the user gave
	if err != nil {
		return creds.Secret{}, &fault.Error{Kind: fault.Usage, Thing: path, Cause: "cannot be read", Remedy: giveIdentity, Err: err}
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile/4))
	if err != nil || len(text) == maxFile/4 {
		return creds.Secret{}, fault.New(fault.Usage, path, giveIdentity, "is no file of identities")
	}
	return creds.NewSecret(creds.Text(text) + "\n"), nil // others may be written behind it
}

// first writes the keys of a store that has none. It fails if there are items, which with new keys
// would never be read again.
func (s *Store) first(dir *securefile.Dir, p Protection, pair keyPair) error {
	files, err := s.items(dir)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		return s.unopened("is missing")
	}
	return s.install(dir, p, pair.identity, pair.recipients)
}

// install writes the keys of a store: the identity first, because from the moment that
// the recipients are there items are encrypted to them.
func (s *Store) install(dir *securefile.Dir, p Protection, identity creds.Secret, recipients string) error {
	if err := s.writeIdentity(dir, p, identity); err != nil {
		return err
	}
	return s.write(dir, recipientsFile, []byte(recipients))
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
// another Rekey goes through with it. An item that cannot be opened stops it before anything is
// changed.
func (s *Store) Rekey(ctx context.Context, p Protection) error {
	pair, err := s.prepare(ctx, p)
	if err != nil {
		return err
	}
	return s.in(securefile.MakeDir, func(dir *securefile.Dir) error {
		return s.locked(ctx, dir, securefile.Alone, func() error {
			if err := dir.SweepAll(); err != nil { // nobody else is writing
				return securefile.Fault(s.Dir, err)
			}
			if !hasKeys(dir) {
				return s.first(dir, p, pair)
			}
			return s.rekey(ctx, dir, p, pair)
		})
	})
}

// rekey goes from the keys that are there to the new pair. Until all items are rewritten the new
// identity stands beside the old one: in the same file, or in the other file of the two.
func (s *Store) rekey(ctx context.Context, dir *securefile.Dir, p Protection, pair keyPair) error {
	k, err := s.readKeys(dir)
	if err != nil {
		return err
	}
	old, locked, err := s.identities(ctx, k)
	if err := errors.Join(err, locked); err != nil {
		return err
	}
	all, err := s.openAll(ctx, dir, append(pair.opens, old...))
	if err != nil {
		return err
	}
	var opened creds.Secret
	if k.sealed != nil {
		if opened, err = s.unsealed(ctx, k.sealed); err != nil {
			return err
		}
		if err := lockSealed(k.sealed); err != nil { // the identity.age that the store was unlocked with goes
			return err
		}
	}
	beside, other := creds.NewSecret(string(k.plain)), sealedFile
	if !p.Passphrase.IsZero() {
		beside, other = opened, identityFile
	}
	if err := s.install(dir, p, creds.NewSecret(pair.identity.Reveal()+beside.Reveal()), pair.recipients); err != nil {
		return err
	}
	if err := s.rewrite(ctx, dir, all, pair.to); err != nil {
		return err
	}
	if err := s.writeIdentity(dir, p, pair.identity); err != nil {
		return err
	}
	return s.remove(dir, other)
}

// openedItem is what a file holds, even if somebody has copied that to another name.
type openedItem struct {
	file, name string
	secret     creds.Secret
}

// openAll opens all items.
func (s *Store) openAll(ctx context.Context, dir *securefile.Dir, identities []age.Identity) (all []openedItem, err error) {
	files, err := s.items(dir)
	for _, file := range files {
		item := openedItem{file: file}
		var data []byte
		if data, err = s.read(dir, file); err != nil {
			return nil, err
		}
		item.name, item.secret, err = openItem(data, "", identities)
		if wrong, ok := errors.AsType[problem](err); ok {
			path := fault.Shell(s.path(file))
			err = fault.New(fault.NoSecret, s.path(file), "run: mv "+path+" "+path+".bad; then run this command again", "%s", wrong)
		}
		if err = errors.Join(err, s.ended(ctx)); err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, err
}

// rewrite encrypts the items to the recipients, each in its place.
func (s *Store) rewrite(ctx context.Context, dir *securefile.Dir, all []openedItem, to []age.Recipient) error {
	for _, item := range all {
		if err := s.ended(ctx); err != nil {
			return err
		}
		again, err := encrypt(item.name, item.secret, to)
		if err != nil {
			return s.notEncrypted(ctx, s.path(recipientsFile), err)
		}
		if err := s.write(dir, item.file, again); err != nil {
			return err
		}
	}
	return nil
}
