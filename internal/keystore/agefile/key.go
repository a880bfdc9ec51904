package agefile

import (
	"errors"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

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
