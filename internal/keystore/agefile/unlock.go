package agefile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/kernelkey"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// An unlocked identity rests in the kernel's keyring, as text that begins with a comment which
// tells until when.
const (
	untilMark   = "# unlocked until "
	maxUnlocked = 8 << 10 // bytes
)

// Unlock makes a store with a passphrase usable for all of the user's processes, for a time of
// whole seconds. Where the kernel keeps no keys the error is of kind Store.
func (s *Store) Unlock(ctx context.Context, passphrase creds.Secret, life time.Duration) error {
	life = life.Truncate(time.Second)
	if life <= 0 {
		return fault.New(fault.Usage, "the time to unlock the store for", "", "has to be a second or more")
	}
	return s.withSealed(func(dir *securefile.Dir, sealed []byte) error {
		text, err := s.openSealed(sealed, passphrase)
		if err != nil {
			return err
		}
		if _, err := s.parse(ctx, sealedFile, text); err != nil {
			return err
		}
		until := s.Now().Add(life).UTC().Format(time.RFC3339)
		if err := kernelKey(sealed, life).Create([]byte(untilMark + until + "\n" + text.Reveal())); err != nil {
			return noKernelKey(err)
		}
		_, err = s.recipients(ctx, dir) // a first Rekey that was killed has left this to do
		return err
	})
}

// Use has this Store alone use what the passphrase opens, where Unlock would have all processes do so.
func (s *Store) Use(passphrase creds.Secret) error {
	return s.withSealed(func(_ *securefile.Dir, sealed []byte) error {
		text, err := s.openSealed(sealed, passphrase)
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.askedFor, s.asked = string(sealed), text
		}
		return err
	})
}

// Lock ends what Unlock began. That the store is locked already is no error, nor that it has no
// passphrase.
func (s *Store) Lock(context.Context) error {
	err := s.withSealed(func(_ *securefile.Dir, sealed []byte) error { return lockSealed(sealed) })
	if e, ok := errors.AsType[*fault.Error](err); ok && errors.Is(e.Err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func lockSealed(sealed []byte) error {
	err := kernelKey(sealed, 0).Remove()
	if err != nil && !absentKernelKeys(err) {
		return noKernelKey(err)
	}
	return nil
}

// withSealed calls f with what is in identity.age.
func (s *Store) withSealed(f func(dir *securefile.Dir, sealed []byte) error) error {
	err := s.in(securefile.OpenDir, func(dir *securefile.Dir) error {
		sealed, err := s.read(dir, sealedFile)
		if err != nil {
			return err
		}
		return f(dir, sealed)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return &fault.Error{Kind: fault.Usage, Thing: "the age store " + s.Dir, Cause: "has no passphrase: there is nothing to unlock", Err: fs.ErrNotExist}
	}
	return err
}

// kernelKey is the key that identity.age is kept under while it is unlocked. Its name is that of
// the very file, so that it neither outlives the passphrase nor is that of another store, as
// of a container with the same user and path.
func kernelKey(sealed []byte, life time.Duration) kernelkey.Key {
	digest := sha256.Sum256(sealed)
	return kernelkey.Key{Name: "aws-mfa-creds:age:" + hex.EncodeToString(digest[:16]), Life: life}
}

// readUnlocked returns what is in the kernel's keyring of identity.age, and until when. The
// error, of kind Store, says that it is locked.
func readUnlocked(sealed []byte) (text creds.Secret, until time.Time, err error) {
	material, err := kernelKey(sealed, 0).Read(maxUnlocked)
	defer clear(material)
	first, rest, found := strings.Cut(string(material), "\n")
	if err != nil || !found {
		return creds.Secret{}, time.Time{}, &fault.Error{Kind: fault.Store, Thing: "the age store", Cause: "is locked", Remedy: unlockIt, Err: err}
	}
	until, _ = time.Parse(time.RFC3339, strings.TrimPrefix(first, untilMark))
	return creds.NewSecret(rest), until, nil
}

// absentKernelKeys reports that there is no kernel keyring: another system, or a container whose
// filter of system calls keeps it away.
func absentKernelKeys(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM)
}

func noKernelKey(err error) error {
	cause := "this system has no kernel keyring to keep the unlocked identity in"
	if !absentKernelKeys(err) {
		cause = "the kernel keyring does not take the unlocked identity: " + err.Error()
	}
	return &fault.Error{Kind: fault.Store, Thing: "the age store", Cause: cause, Remedy: "run: aws-mfa-creds store protect --none, or choose keys of your own with --recipient", Err: err}
}

const unlockIt = "run: aws-mfa-creds unlock"

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
	plain, err := unseal(sealed, passphraseIdentity{s, scrypt})
	defer clear(plain)
	if _, bad := errors.AsType[problem](err); bad {
		err = s.damaged(sealedFile, "is damaged, or was not encrypted with a passphrase")
	}
	return creds.NewSecret(string(plain)), err
}

// passphraseIdentity is a passphrase that says why it does not open a file.
type passphraseIdentity struct {
	store  *Store
	scrypt *age.ScryptIdentity
}

// Unwrap implements age.Identity. The error is a problem or a *fault.Error.
func (p passphraseIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" || len(stanzas[0].Args) != 2 {
		return nil, errDamaged
	}
	if cost, err := strconv.Atoi(stanzas[0].Args[1]); err == nil && cost > maxWorkFactor {
		return nil, p.store.damaged(sealedFile, "asks for more work than this program ever does to check a passphrase")
	}
	key, err := p.scrypt.Unwrap(stanzas)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		err = fault.New(fault.Store, "the passphrase of the age store", unlockIt, "is wrong")
	}
	return key, err
}
