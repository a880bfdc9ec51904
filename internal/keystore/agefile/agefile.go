// Package agefile stores secrets in files encrypted with age, for machines without a keyring. All files
// are standard: the age program itself opens each item with
//
//	age --decrypt -i identity.txt ITEM.age
//
// The directory holds the identity, which is the private key (identity.txt in clear text, or
// identity.age under a passphrase); recipients.txt, the public keys; one file for each item; and a lock.
// Items are separate files so that storing one needs only public keys, without a token's touch or a
// passphrase; two processes never merge their changes; damage stays in one file; and ten thousand items
// cost a reader nothing.
//
// The generated identity is X25519, not the post-quantum hybrid of age 1.3: age 1.1, which Linux
// distributions have, must be able to open the files. Users who want the hybrid add an age1pq1 recipient.
package agefile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// MaxItem is the largest secret of an item, in bytes.
const MaxItem = 2048

// The files of a store besides its items.
const (
	identityFile   = "identity.txt"
	sealedFile     = "identity.age"
	recipientsFile = "recipients.txt"
	lockFile       = "lock" // never removed
)

// Options say where a store is and what it works with. All but Person are required.
type Options struct {
	Dir string // its directory, of its own; made by the first write
	Now func() time.Time

	Executable string // this program, as of os.Executable, which runs age plugins

	// Person is asked for the passphrase and for what a plugin wants to know. Nil: nobody can
	// be asked, and that such a question comes up is an error.
	Person Person
}

// Person is somebody at a terminal.
type Person interface {
	io.Writer
	Line(ctx context.Context, prompt string) (string, error)
	Secret(ctx context.Context, prompt string) (creds.Secret, error)
	Confirm(ctx context.Context, question string) (bool, error)
}

// Store is an age store. Any number of goroutines and processes may use it at once.
//
// Its errors are *fault.Error of kind NoSecret (an item or the identity is absent or
// damaged), Store (locked, a plugin that fails or wants to ask), Deadline (another process
// holds the lock), Filesystem or Permissions, and Usage for what a caller gives. None shows
// anything of a file's content.
type Store struct {
	Options

	workFactor  int          // of scrypt, as its logarithm
	beforeWrite func() error // for tests: an error of it is one of the disk

	mu       sync.Mutex
	askedFor string       // the identity.age that a passphrase was given for
	asked    creds.Secret // what it has opened
}

// Open returns the store. It touches nothing.
func Open(o Options) *Store {
	return &Store{Options: o, workFactor: workFactor, beforeWrite: func() error { return nil }}
}

// ended returns why there is no more time, or nil if there is.
func (s *Store) ended(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Cause(ctx)
	}
	return fault.New(fault.Deadline, "the age store "+s.Dir, "", "the time was not enough for all of it")
}

func (s *Store) path(file string) string { return filepath.Join(s.Dir, file) }

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
func (s *Store) Status(ctx context.Context) (status Status, err error) {
	err = s.in(securefile.OpenDir, func(dir *securefile.Dir) error {
		status, err = s.status(ctx, dir)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return status, err
}

func (s *Store) status(ctx context.Context, dir *securefile.Dir) (Status, error) {
	k, err := s.readKeys(dir)
	switch {
	case err != nil, k.none():
		return Status{}, err
	case k.sealed != nil:
		_, until, err := readUnlocked(k.sealed)
		return Status{Mode: Passphrase, Locked: err != nil, Until: until}, nil
	}
	identities, err := s.parse(ctx, identityFile, creds.NewSecret(string(k.plain)))
	if err != nil {
		return Status{}, err
	}
	public, _ := recipientsOf(identities)
	listed, err := s.read(dir, recipientsFile)
	if errors.Is(err, fs.ErrNotExist) || err == nil && public == strings.Join(keyLines(string(listed)), "\n")+"\n" {
		return Status{Mode: Plain}, nil
	}
	return Status{Mode: Own}, err
}

// Get returns the secret stored under name.
func (s *Store) Get(ctx context.Context, name string) (secret creds.Secret, err error) {
	err = s.in(securefile.OpenDir, func(dir *securefile.Dir) error {
		secret, err = s.get(ctx, dir, name)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = s.absent(name)
	}
	return secret, err
}

func (s *Store) get(ctx context.Context, dir *securefile.Dir, name string) (creds.Secret, error) {
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
	return n, err
}

func (s *Store) getFrom(ctx context.Context, n snapshot, name string) (creds.Secret, error) {
	identities, locked, err := s.identities(ctx, n.keys)
	if err != nil {
		return creds.Secret{}, err
	}
	if n.keys.none() {
		return creds.Secret{}, s.unopened("is missing")
	}
	_, secret, err := openItem(n.item, name, identities)
	if locked != nil && errors.Is(err, errNoMatch) {
		return creds.Secret{}, locked
	}
	if wrong, ok := errors.AsType[problem](err); ok {
		remedy := "restore the file from a backup, or " + addAgain
		if wrong == errNewer {
			remedy = "use a newer aws-mfa-creds"
		}
		err = fault.New(fault.NoSecret, s.path(fileName(name)), remedy, "%s", wrong)
	}
	return secret, err
}

func (s *Store) absent(name string) error {
	return fault.New(fault.NoSecret, name, addAgain, "is not in the age store %s", s.Dir)
}

const addAgain = "run: aws-mfa-creds add --profile NAME"

// Put stores value under name, in place of what was there. A store that has no keys yet gets an
// identity in clear.
func (s *Store) Put(ctx context.Context, name string, value creds.Secret) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.in(securefile.MakeDir, func(dir *securefile.Dir) error {
		if err := s.begin(ctx, dir); err != nil {
			return err
		}
		defer tidy(dir) // once it is unlocked
		return s.locked(ctx, dir, securefile.Shared, func() error { return s.put(ctx, dir, name, value) })
	})
}

func (s *Store) put(ctx context.Context, dir *securefile.Dir, name string, value creds.Secret) error {
	recipients, err := s.recipients(ctx, dir)
	if err != nil {
		return err
	}
	file, err := encrypt(name, value, recipients)
	if err != nil {
		return s.notEncrypted(ctx, s.path(recipientsFile), err)
	}
	return s.write(dir, fileName(name), file)
}

// tidy removes what killed processes have left, at once if nobody is writing: it can be an identity in clear.
func tidy(dir *securefile.Dir) {
	if unlock, held, err := dir.TryLock(lockFile, securefile.Alone); held && err == nil {
		_ = dir.SweepAll()
		unlock()
	}
}

// begin makes the keys of a store for which nobody chose any.
func (s *Store) begin(ctx context.Context, dir *securefile.Dir) error {
	if hasKeys(dir) {
		return nil
	}
	return s.locked(ctx, dir, securefile.Alone, func() error {
		if hasKeys(dir) {
			return nil // another process was first
		}
		pair, err := s.generate()
		if err != nil {
			return err
		}
		return s.first(dir, Protection{}, pair)
	})
}

// notEncrypted puts an error of encrypt into words. where has the recipients.
func (s *Store) notEncrypted(ctx context.Context, where string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	if explained, ok := errors.AsType[*fault.Error](err); ok {
		return explained
	}
	return &fault.Error{Kind: fault.Store, Thing: where, Cause: "age cannot encrypt to these recipients together", Remedy: "do not mix post-quantum recipients and others", Err: err}
}

// Delete removes what is stored under name. That there is nothing is no error.
func (s *Store) Delete(ctx context.Context, name string) error {
	err := s.in(securefile.OpenDir, func(dir *securefile.Dir) error {
		defer tidy(dir)
		file := fileName(name)
		if !exists(dir, file) {
			return nil
		}
		// Whoever changes the keys would write it again.
		return s.locked(ctx, dir, securefile.Shared, func() error { return s.remove(dir, file) })
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
