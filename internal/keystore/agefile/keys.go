package agefile

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// keys are the identity files of a store as they are on disk: one of them, both while they
// are being changed, or none.
type keys struct {
	plain  []byte // identity.txt; nil: there is none
	sealed []byte // identity.age, under a passphrase; nil: there is none
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
	all, err := parseKeys(text.Reveal(), s.host(ctx).identity)
	if err != nil {
		if file == identityFile {
			return nil, s.unopened("is damaged")
		}
		return nil, s.damaged(file, "is damaged: it holds no age identity, or a line that is none")
	}
	return all, nil
}

func (s *Store) host(ctx context.Context) pluginHost {
	return pluginHost{ctx, s.Person, s.Executable}
}

// unsealed returns what identity.age holds, from the kernel's keyring or from the person.
func (s *Store) unsealed(ctx context.Context, sealed []byte) (creds.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.askedFor == string(sealed) {
		return s.asked, nil
	}
	text, _, err := readUnlocked(sealed)
	if err == nil || s.Person == nil {
		return text, err
	}
	passphrase, err := s.Person.Secret(ctx, "Passphrase of the age store")
	if err != nil {
		return creds.Secret{}, err
	}
	text, err = s.openSealed(sealed, passphrase)
	if err == nil {
		s.askedFor, s.asked = string(sealed), text
	}
	return text, err
}

// recipients returns those that items are encrypted to. If only the file is missing, it is made again
// from the identity. The error is a *fault.Error.
func (s *Store) recipients(ctx context.Context, dir *securefile.Dir) ([]age.Recipient, error) {
	text, err := s.read(dir, recipientsFile)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = s.restoreRecipients(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	all, err := parseKeys(string(text), s.host(ctx).recipient)
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

// errKey says that a line is no identity or recipient. It does not quote the line, which may be
// a private key.
var errKey = errors.New("not a key that age knows")

// parseKeys parses a file of identities or of recipients as age does: one a line, "#" for comments.
func parseKeys[K any](text string, parse func(line string) ([]K, error)) ([]K, error) {
	var all []K
	for _, line := range keyLines(text) {
		keys, err := parse(line)
		if err != nil {
			return nil, errKey
		}
		all = append(all, keys...)
	}
	if len(all) == 0 {
		return nil, errKey
	}
	return all, nil
}

// identity parses one identity.
func (h pluginHost) identity(line string) ([]age.Identity, error) {
	if name, _, err := plugin.ParseIdentity(line); err == nil {
		return []age.Identity{pluginKey{h, name, line}}, nil
	}
	return age.ParseIdentities(strings.NewReader(line))
}

// recipient parses one recipient. As in age's own program, a second "1" separates the name of a
// plugin, except for post-quantum recipients.
func (h pluginHost) recipient(line string) ([]age.Recipient, error) {
	if name, _, err := plugin.ParseRecipient(line); err == nil && name != "pq" {
		return []age.Recipient{pluginKey{h, name, line}}, nil
	}
	return age.ParseRecipients(strings.NewReader(line))
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
