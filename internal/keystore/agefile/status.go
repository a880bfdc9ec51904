package agefile

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

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
