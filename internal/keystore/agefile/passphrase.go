package agefile

import (
	"errors"
	"strconv"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The cost of trying a passphrase: 2^18 rounds of scrypt take 256 MiB and about a second, and are
// what age uses. A file that wants more than 2^20 would exhaust a small machine's memory and
// was not made by us or by age.
const (
	workFactor    = 18
	maxWorkFactor = 20
)

// sealIdentity returns text encrypted under the passphrase, as age -p does it.
func (s *Store) sealIdentity(text, passphrase creds.Secret) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, fault.New(fault.Usage, "the passphrase", "", "is empty")
	}
	recipient.SetWorkFactor(s.workFactor)
	return seal([]byte(text.Reveal()), recipient)
}

// openSealed returns what is in identity.age. A passphrase that is wrong is of kind Store. So
// is one byte of damage in the few that the passphrase itself is checked with: those cannot be
// told apart. Other damage is NoSecret.
func (s *Store) openSealed(sealed []byte, passphrase creds.Secret) (creds.Secret, error) {
	scrypt, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return creds.Secret{}, fault.New(fault.Usage, "the passphrase", "", "is empty")
	}
	scrypt.SetMaxWorkFactor(maxWorkFactor)
	identity := &passphraseIdentity{scrypt: scrypt}
	plain, err := unseal(sealed, identity)
	defer clear(plain)
	switch {
	case err == nil:
		return creds.NewSecret(string(plain)), nil
	case identity.wrong:
		return creds.Secret{}, fault.New(fault.Store, "the passphrase of the age store", unlockIt, "is wrong")
	case identity.costly:
		return creds.Secret{}, s.damaged(sealedFile, "asks for more work than this program ever does to check a passphrase")
	}
	return creds.Secret{}, s.damaged(sealedFile, "is damaged, or was not encrypted with a passphrase")
}

// passphraseIdentity is a passphrase that tells why it did not open a file.
type passphraseIdentity struct {
	scrypt *age.ScryptIdentity
	wrong  bool
	costly bool
}

// Unwrap implements age.Identity.
func (p *passphraseIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" || len(stanzas[0].Args) != 2 {
		return nil, errDamaged
	}
	if cost, err := strconv.Atoi(stanzas[0].Args[1]); err == nil && cost > maxWorkFactor {
		p.costly = true
		return nil, errDamaged
	}
	key, err := p.scrypt.Unwrap(stanzas)
	if err != nil {
		p.wrong = errors.Is(err, age.ErrIncorrectIdentity)
		return nil, errDamaged
	}
	return key, nil
}
