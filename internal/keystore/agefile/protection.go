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
func (s *Store) begin(ctx context.Context, root *os.Root) ([]age.Recipient, error) {
	pair, err := s.generate()
	if err != nil {
		return nil, err
	}
	if err := s.install(root, Protection{}, pair); err != nil {
		return nil, err
	}
	return s.recipients(ctx, root)
}

// install writes the keys of a store: the identity first, because from the moment that
// the recipients are there items are encrypted to them.
func (s *Store) install(root *os.Root, p Protection, pair keyPair) error {
	if err := s.writeIdentity(root, p, pair.identity); err != nil {
		return err
	}
	return s.write(root, recipientsFile, []byte(pair.recipients))
}

func (s *Store) writeIdentity(root *os.Root, p Protection, text creds.Secret) error {
	if p.Passphrase.IsZero() {
		return s.write(root, identityFile, []byte(text.Reveal()))
	}
	sealed, err := s.sealIdentity(text, p.Passphrase)
	if err != nil {
		return err
	}
	return s.write(root, sealedFile, sealed)
}
