package agefile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/kernelkey"
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
	return s.withSealed(func(root *os.Root, sealed []byte) error {
		text, err := s.openSealed(sealed, passphrase)
		if err != nil {
			return err
		}
		if _, err := s.parse(ctx, sealedFile, text); err != nil {
			return err
		}
		until := s.now().Add(life).UTC().Format(time.RFC3339)
		if err := kernelKey(sealed, life).Create([]byte(untilMark + until + "\n" + text.Reveal())); err != nil {
			return noKernelKey(err)
		}
		_, err = s.recipients(ctx, root) // a first Rekey that was killed has left this to do
		return err
	})
}

// Lock ends what Unlock began. That the store is locked already is no error, nor that it has no
// passphrase.
func (s *Store) Lock(context.Context) error {
	err := s.withSealed(func(_ *os.Root, sealed []byte) error { return lockSealed(sealed) })
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
func (s *Store) withSealed(f func(root *os.Root, sealed []byte) error) error {
	root, err := s.open()
	if err == nil {
		defer func() { _ = root.Close() }()
		var sealed []byte
		if sealed, err = s.read(root, sealedFile); err == nil {
			return f(root, sealed)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &fault.Error{Kind: fault.Usage, Thing: "the age store " + s.dir, Cause: "has no passphrase: there is nothing to unlock", Err: fs.ErrNotExist}
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

func noKernelKey(err error) error {
	cause := "this system has no kernel keyring to keep the unlocked identity in"
	if !absentKernelKeys(err) {
		cause = "the kernel keyring does not take the unlocked identity: " + err.Error()
	}
	return &fault.Error{Kind: fault.Store, Thing: "the age store", Cause: cause, Remedy: "use the system's keyring, or an age identity without a passphrase", Err: err}
}

const unlockIt = "run: aws-mfa-creds unlock"

// Mode is how the identity of a store is kept.
type Mode int

// The modes.
const (
	Unused     Mode = iota // there is none yet
	Plain                  // generated, in clear
	Passphrase             // generated, under a passphrase
	Own                    // the user's own: of a plugin, or for other recipients as well
)

// Status is the state of a store.
type Status struct {
	Mode   Mode
	Locked bool
	Until  time.Time // when it will be locked; zero: never, or it is
}

// Status returns the state of the store.
func (s *Store) Status(ctx context.Context) (Status, error) {
	root, err := s.open()
	if errors.Is(err, fs.ErrNotExist) {
		return Status{}, nil
	}
	if err != nil {
		return Status{}, err
	}
	defer func() { _ = root.Close() }()
	k, err := s.readKeys(root)
	switch {
	case err != nil, k.none():
		return Status{}, err
	case k.sealed != nil:
		return sealedStatus(k.sealed), nil
	}
	identities, err := s.parse(ctx, identityFile, creds.NewSecret(string(k.plain)))
	if err != nil {
		return Status{}, err
	}
	public, _ := recipientsOf(identities)
	listed, err := s.read(root, recipientsFile)
	if errors.Is(err, fs.ErrNotExist) || err == nil && public == strings.Join(keyLines(string(listed)), "\n")+"\n" {
		return Status{Mode: Plain}, nil
	}
	return Status{Mode: Own}, err
}

func sealedStatus(sealed []byte) Status {
	_, until, err := readUnlocked(sealed)
	return Status{Mode: Passphrase, Locked: err != nil, Until: until}
}
