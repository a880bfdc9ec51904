package agefile

import (
	"fmt"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// show shows the plugin's message. Where nobody sees it, it is kept for the case that the
// plugin waits in vain for what it asks: a token to touch.
func (c *conversation) show(text []byte) (stanza, error) {
	c.message = quote(text)
	if c.host.person == nil {
		return stanza{kind: "ok"}, nil
	}
	if _, err := fmt.Fprintf(c.host.person, "age-plugin-%s: %s\n", c.name, fault.Printable(string(text))); err != nil {
		return stanza{kind: "fail"}, nil //nolint:nilerr // the plugin decides whether it matters
	}
	return stanza{kind: "ok"}, nil
}

// ask asks the person what the plugin wants to know.
func (c *conversation) ask(s stanza) (stanza, error) {
	question := fmt.Sprintf("age-plugin-%s: %s", c.name, fault.Printable(string(s.body)))
	if c.host.person == nil {
		return stanza{}, c.fault("no one can be asked here: run the command on a terminal, or use a key that asks nothing", "wants an answer to: %s", quote(s.body))
	}
	var answer []byte
	var err error
	switch s.kind {
	case "request-public":
		line, failed := c.host.person.Line(c.ctx, question)
		answer, err = []byte(line), failed
	case "request-secret":
		secret, failed := c.host.person.Secret(c.ctx, question)
		c.secrets = true
		answer, err = []byte(secret.Reveal()), failed
	default:
		return c.confirm(question, s.args)
	}
	if err != nil {
		return stanza{kind: "fail"}, nil //nolint:nilerr // nobody answered; the plugin says what that means
	}
	return stanza{kind: "ok", body: answer}, nil
}

// confirm has the person choose between the plugin's two words for yes and no, of which the
// second may be missing.
func (c *conversation) confirm(question string, words []string) (stanza, error) {
	if len(words) == 0 || len(words) > 2 {
		return stanza{}, c.fault(runByHand, "does not speak the protocol of age plugins")
	}
	for i, word := range words {
		text, err := bodyEncoding().DecodeString(word)
		if err != nil {
			return stanza{}, c.fault(runByHand, "does not speak the protocol of age plugins")
		}
		question += []string{" (yes: ", ", no: "}[i] + fault.Printable(string(text))
	}
	yes, err := c.host.person.Confirm(c.ctx, question+")")
	if err != nil {
		return stanza{kind: "fail"}, nil //nolint:nilerr // as above
	}
	if yes {
		return stanza{kind: "ok", args: []string{"yes"}}, nil
	}
	return stanza{kind: "ok", args: []string{"no"}}, nil
}
