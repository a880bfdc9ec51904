package agefile

import (
	"context"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// pluginHost is how plugins are run: for how long, in which environment, and who
// answers their questions, if anybody does.
//
// age's own package plugin is not used for it. It cannot end a plugin that hangs, which would
// outlive us; it gives plugins our environment; and with AGEDEBUG=plugin it copies all that is
// said, keys and PINs, to stderr.
type pluginHost struct {
	ctx    context.Context //nolint:containedctx // the methods of age's interfaces take none
	env    []string
	person Person
}

// pluginKey is an identity or a recipient of the plugin name, whose program is
// age-plugin-NAME on PATH.
type pluginKey struct {
	host pluginHost
	name string
	key  string // AGE-PLUGIN-NAME-1..., or age1name1...
}

// Unwrap implements age.Identity, by the plugin protocol's state machine identity-v1.
func (k pluginKey) Unwrap(stanzas []*age.Stanza) (fileKey []byte, err error) {
	say := []stanza{{kind: "add-identity", args: []string{k.key}}}
	for _, s := range stanzas {
		say = append(say, stanza{"recipient-stanza", append([]string{"0", s.Type}, s.Args...), s.Body})
	}
	err = k.talk("identity-v1", say, func(s stanza) bool {
		if s.kind != "file-key" || !slices.Equal(s.args, []string{"0"}) {
			return false
		}
		fileKey = s.body
		return true
	})
	if err == nil && fileKey == nil {
		err = age.ErrIncorrectIdentity
	}
	return fileKey, err
}

// Wrap implements age.Recipient.
func (k pluginKey) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := k.WrapWithLabels(fileKey)
	return stanzas, err
}

// WrapWithLabels implements age.RecipientWithLabels, by the state machine recipient-v1.
func (k pluginKey) WrapWithLabels(fileKey []byte) (stanzas []*age.Stanza, labels []string, err error) {
	say := []stanza{
		{kind: "add-recipient", args: []string{k.key}},
		{kind: "wrap-file-key", body: fileKey},
		{kind: "extension-labels"},
	}
	err = k.talk("recipient-v1", say, func(s stanza) bool {
		switch {
		case s.kind == "recipient-stanza" && len(s.args) >= 2 && s.args[0] == "0":
			stanzas = append(stanzas, &age.Stanza{Type: s.args[1], Args: s.args[2:], Body: s.body})
		case s.kind == "labels":
			labels = s.args
		default:
			return false
		}
		return true
	})
	if err == nil && len(stanzas) == 0 {
		err = k.fault(runByHand, "gave nothing")
	}
	return stanzas, labels, err
}

const runByHand = "try it with age itself"

func (k pluginKey) fault(remedy, format string, args ...any) *fault.Error {
	return fault.New(fault.Store, "the age plugin "+k.name, remedy, format, args...)
}

// quote returns what the plugin said, short enough for an error, or "" if it may repeat a
// key: some plugins have private keys in their identities.
func quote(text []byte) string {
	const most = 120
	said := fault.Printable(string(text))
	if strings.Contains(strings.ToUpper(said), "AGE-") {
		return ""
	}
	if len(said) > most {
		said = said[:most] + "..."
	}
	return said
}
