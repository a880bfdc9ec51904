package agefile

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// keys are the identity files of a store as they are on disk: one of them, both while they
// are being changed, or none.
type keys struct {
	plain  []byte // identity.txt; nil: there is none
	sealed []byte // identity.age, under a passphrase; nil: there is none
}

// opened is what a sealed file holds.
type opened struct {
	sealed string
	text   creds.Secret
}

func (k keys) none() bool { return k.plain == nil && k.sealed == nil }

// readKeys reads the identity files. The error is a *fault.Error.
func (s *Store) readKeys(root *os.Root) (k keys, err error) {
	if k.plain, err = s.read(root, identityFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return keys{}, err
	}
	if k.sealed, err = s.read(root, sealedFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return keys{}, err
	}
	return k, nil
}

// identities returns all that can be used now. locked is the reason why the sealed ones are not
// among them, if they are not. err is a *fault.Error: one of the files is damaged.
func (s *Store) identities(ctx context.Context, k keys) (all []age.Identity, locked, err error) {
	if k.plain != nil {
		if all, err = s.parse(ctx, identityFile, creds.NewSecret(string(k.plain))); err != nil {
			return nil, nil, err
		}
	}
	if k.sealed == nil {
		return all, nil, nil
	}
	text, locked := s.unsealed(ctx, k.sealed)
	if locked != nil {
		return all, locked, nil
	}
	more, err := s.parse(ctx, sealedFile, text)
	return append(all, more...), nil, err
}

func (s *Store) parse(ctx context.Context, file string, text creds.Secret) ([]age.Identity, error) {
	all, err := parseIdentities(text.Reveal(), s.host(ctx))
	if err != nil {
		return nil, s.damaged(file, "is damaged: it holds no age identity, or a line that is none")
	}
	return all, nil
}

func (s *Store) host(ctx context.Context) pluginHost {
	return pluginHost{ctx: ctx, env: s.env, person: s.person}
}

// unsealed returns what identity.age holds, from the kernel's keyring or from the person.
func (s *Store) unsealed(ctx context.Context, sealed []byte) (creds.Secret, error) {
	text, _, err := readUnlocked(sealed)
	if err == nil || s.person == nil {
		return text, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked.sealed == string(sealed) {
		return s.asked.text, nil
	}
	passphrase, err := s.person.Secret(ctx, "Passphrase of the age store")
	if err != nil {
		return creds.Secret{}, err
	}
	text, err = s.openSealed(sealed, passphrase)
	if err == nil {
		s.asked = opened{string(sealed), text}
	}
	return text, err
}

// recipients returns those that items are encrypted to, or nil if the store has no keys yet. If
// only the file is missing, it is made again from the identity. The error is a *fault.Error.
func (s *Store) recipients(ctx context.Context, root *os.Root) ([]age.Recipient, error) {
	if !exists(root, identityFile) && !exists(root, sealedFile) {
		return nil, s.unused(root)
	}
	text, err := s.read(root, recipientsFile)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = s.restoreRecipients(ctx, root)
	}
	if err != nil {
		return nil, err
	}
	all, err := parseRecipients(string(text), s.host(ctx))
	if err != nil {
		return nil, s.damaged(recipientsFile, "is damaged: it holds no age recipient, or a line that is none")
	}
	return all, nil
}

// restoreRecipients makes recipients.txt for the identity that is there.
func (s *Store) restoreRecipients(ctx context.Context, root *os.Root) ([]byte, error) {
	k, err := s.readKeys(root)
	if err != nil {
		return nil, err
	}
	identities, locked, err := s.identities(ctx, k)
	if err := errors.Join(err, locked); err != nil {
		return nil, err
	}
	text, ok := recipientsOf(identities)
	if !ok {
		return nil, s.damaged(recipientsFile, "is missing")
	}
	return []byte(text), s.write(root, recipientsFile, []byte(text))
}

// unused fails if the store has items, which with new keys would never be read again.
func (s *Store) unused(root *os.Root) error {
	files, err := s.items(root)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		return fault.New(fault.NoSecret, s.path(identityFile), "restore it from a backup, or move "+fault.Shell(s.dir)+" away and store the secrets again", "is missing, and nothing else opens what is stored")
	}
	return nil
}
