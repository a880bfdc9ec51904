package agefile

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
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
func (s *Store) readKeys(dir *securefile.Dir) (k keys, err error) {
	if k.plain, err = s.read(dir, identityFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return keys{}, err
	}
	if k.sealed, err = s.read(dir, sealedFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	return pluginHost{ctx: ctx, person: s.person}
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
func (s *Store) recipients(ctx context.Context, dir *securefile.Dir) ([]age.Recipient, error) {
	if !exists(dir, identityFile) && !exists(dir, sealedFile) {
		return nil, s.unused(dir)
	}
	text, err := s.read(dir, recipientsFile)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = s.restoreRecipients(ctx, dir)
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
func (s *Store) restoreRecipients(ctx context.Context, dir *securefile.Dir) ([]byte, error) {
	k, err := s.readKeys(dir)
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
	return []byte(text), s.write(dir, recipientsFile, []byte(text))
}

// unused fails if the store has items, which with new keys would never be read again.
func (s *Store) unused(dir *securefile.Dir) error {
	files, err := s.items(dir)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		return fault.New(fault.NoSecret, s.path(identityFile), "restore it from a backup, or move "+fault.Shell(s.dir)+" away and store the secrets again", "is missing, and nothing else opens what is stored")
	}
	return nil
}

// errKey says that a line is no identity or recipient. It does not quote the line, which may be
// a private key.
var errKey = errors.New("not a key that age knows")

// parseIdentities parses a file of identities as age does: one a line, "#" for comments.
// Plugins of the identities talk as host says.
func parseIdentities(text string, host pluginHost) ([]age.Identity, error) {
	var all []age.Identity
	for _, line := range keyLines(text) {
		identity, err := parseIdentity(line, host)
		if err != nil {
			return nil, errKey
		}
		all = append(all, identity)
	}
	if len(all) == 0 {
		return nil, errKey
	}
	return all, nil
}

func parseIdentity(line string, host pluginHost) (age.Identity, error) {
	if !strings.HasPrefix(line, "AGE-PLUGIN-") {
		found, err := age.ParseIdentities(strings.NewReader(line))
		if err != nil {
			return nil, err
		}
		return found[0], nil
	}
	name, _, err := plugin.ParseIdentity(line)
	if err != nil {
		return nil, err
	}
	return pluginKey{host, name, line}, nil
}

// parseRecipients parses a file of recipients as age does.
func parseRecipients(text string, host pluginHost) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, line := range keyLines(text) {
		recipient, err := parseRecipient(line, host)
		if err != nil {
			return nil, errKey
		}
		all = append(all, recipient)
	}
	if len(all) == 0 {
		return nil, errKey
	}
	return all, nil
}

// parseRecipient parses one recipient. As in age's own program, a second "1" separates the
// name of a plugin.
func parseRecipient(line string, host pluginHost) (age.Recipient, error) {
	switch {
	case strings.HasPrefix(line, "age1pq1"):
		return age.ParseHybridRecipient(line)
	case strings.HasPrefix(line, "age1") && strings.Count(line, "1") == 1:
		return age.ParseX25519Recipient(line)
	}
	name, _, err := plugin.ParseRecipient(line)
	if err != nil {
		return nil, err
	}
	return pluginKey{host, name, line}, nil
}

func keyLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// recipientsOf returns the recipients of the identities, one a line, if all are such that
// tell them: none of a plugin.
func recipientsOf(identities []age.Identity) (text string, ok bool) {
	for _, identity := range identities {
		switch identity := identity.(type) {
		case *age.X25519Identity:
			text += identity.Recipient().String() + "\n"
		case *age.HybridIdentity:
			text += identity.Recipient().String() + "\n"
		default:
			return "", false
		}
	}
	return text, text != ""
}
