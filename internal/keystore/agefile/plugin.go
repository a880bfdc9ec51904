package agefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// pluginLimit is how long a plugin may take when nobody can be asked. There may be a token to
// touch.
const pluginLimit = 20 * time.Second

// pluginHost says for how long plugins run, and who answers their questions, if anybody does.
type pluginHost struct {
	ctx    context.Context //nolint:containedctx // the methods of age's interfaces take none
	person Person
}

// pluginKey is an identity or a recipient of the plugin name, whose program is age-plugin-NAME on
// PATH.
type pluginKey struct {
	host pluginHost
	name string
	key  string // AGE-PLUGIN-NAME-1..., or age1name1...
}

// Unwrap implements age.Identity.
func (k pluginKey) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	return talk(k, func(ui *plugin.ClientUI) ([]byte, error) {
		identity, err := plugin.NewIdentity(k.key, ui)
		if err != nil {
			return nil, err
		}
		return identity.Unwrap(stanzas)
	})
}

// Wrap implements age.Recipient.
func (k pluginKey) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := k.WrapWithLabels(fileKey)
	return stanzas, err
}

// WrapWithLabels implements age.RecipientWithLabels.
func (k pluginKey) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	type wrapped struct {
		stanzas []*age.Stanza
		labels  []string
	}
	got, err := talk(k, func(ui *plugin.ClientUI) (w wrapped, err error) {
		recipient, err := plugin.NewRecipient(k.key, ui)
		if err == nil {
			w.stanzas, w.labels, err = recipient.WrapWithLabels(fileKey)
		}
		return w, err
	})
	return got.stanzas, got.labels, err
}

// talk has the plugin do some work. At the end of the host's time the plugin is abandoned: the
// library cannot end it. The error is age.ErrIncorrectIdentity or a *fault.Error.
func talk[T any](k pluginKey, work func(ui *plugin.ClientUI) (T, error)) (T, error) {
	ctx, cancel := context.WithCancel(k.host.ctx)
	if k.host.person == nil {
		ctx, cancel = context.WithTimeout(k.host.ctx, pluginLimit)
	}
	defer cancel()
	type result struct {
		value T
		err   error
	}
	c := &conversation{pluginKey: k, ctx: ctx}
	done := make(chan result, 1)
	go func() {
		value, err := work(&plugin.ClientUI{DisplayMessage: c.show, RequestValue: c.request, Confirm: c.confirm})
		done <- result{value, err}
	}()
	select {
	case got := <-done:
		return got.value, c.inWords(got.err)
	case <-ctx.Done():
		var none T
		return none, c.abandoned()
	}
}

// conversation is one run of a plugin.
type conversation struct {
	pluginKey
	ctx context.Context //nolint:containedctx // that of one call

	mu      sync.Mutex
	message string       // the last one that the plugin wanted to be shown
	secret  bool         // the plugin was given one, and may repeat it
	unasked *fault.Error // why a question was not asked
}

// show shows the plugin's message. Where nobody sees it, it is kept in case the plugin waits in vain:
// the message may say that a token has to be touched.
func (c *conversation) show(_, text string) error {
	c.mu.Lock()
	c.message = quote(text)
	c.mu.Unlock()
	if c.host.person == nil {
		return nil
	}
	_, err := fmt.Fprintln(c.host.person, c.prompt(text))
	return err
}

// request asks the person what the plugin wants to know.
func (c *conversation) request(_, text string, secret bool) (string, error) {
	if c.host.person == nil {
		return "", c.refuse(text)
	}
	if !secret {
		return c.host.person.Line(c.ctx, c.prompt(text))
	}
	c.mu.Lock()
	c.secret = true
	c.mu.Unlock()
	answer, err := c.host.person.Secret(c.ctx, c.prompt(text))
	return answer.Reveal(), err
}

// confirm has the person choose between the plugin's two words for yes and no, of which the second
// may be missing.
func (c *conversation) confirm(_, text, yes, no string) (bool, error) {
	if c.host.person == nil {
		return false, c.refuse(text)
	}
	question := c.prompt(text) + " (yes: " + fault.Printable(yes)
	if no != "" {
		question += ", no: " + fault.Printable(no)
	}
	return c.host.person.Confirm(c.ctx, question+")")
}

func (c *conversation) prompt(text string) string {
	return "age-plugin-" + c.name + ": " + fault.Printable(text)
}

// refuse keeps the reason why a question cannot be asked: the plugin learns only that it failed.
func (c *conversation) refuse(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unasked = c.fault("no one can be asked here: run the command on a terminal, or use a key that asks nothing", "wants an answer to: %s", quote(text))
	return c.unasked
}

// abandoned says why the plugin was given up.
func (c *conversation) abandoned() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case errors.Is(c.ctx.Err(), context.Canceled):
		return c.fault("", "was interrupted")
	case c.message != "":
		return c.fault("do what it says", "did not answer in time; it said: %s", c.message)
	}
	return c.fault(runByHand, "did not answer in time")
}

// inWords says what an error of the library means. It quotes none but what the plugin itself says:
// the library's own may quote a key.
func (c *conversation) inWords(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		return nil
	}
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return age.ErrIncorrectIdentity
	}
	if c.unasked != nil {
		return c.unasked
	}
	if _, missing := errors.AsType[*plugin.NotFoundError](err); missing {
		return c.fault("install age-plugin-"+c.name+"; consumers may run us without your PATH", "is not on PATH")
	}
	text := strings.TrimPrefix(err.Error(), c.name+" plugin: ")
	switch {
	case strings.HasPrefix(text, "couldn't start plugin"):
		return c.fault("check that age-plugin-"+c.name+" exists and may be run", "cannot be run")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE):
		return c.fault(runByHand, "ended without an answer")
	case strings.Contains(text, "malformed"):
		return c.fault(runByHand, "does not speak the protocol of age plugins")
	case c.secret || quote(text) == "":
		return c.fault(runByHand, "failed")
	}
	return c.fault("", "failed: %s", quote(text))
}

const runByHand = "try it with age itself"

func (k pluginKey) fault(remedy, format string, args ...any) *fault.Error {
	return fault.New(fault.Store, "the age plugin "+k.name, remedy, format, args...)
}

// quote returns what the plugin said, short enough for an error, or "" if it may repeat a key: some
// plugins have private keys in their identities.
func quote(text string) string {
	const most = 120
	said := fault.Printable(text)
	if strings.Contains(strings.ToUpper(said), "AGE-") {
		return ""
	}
	if len(said) > most {
		return said[:most] + "..."
	}
	return said
}
