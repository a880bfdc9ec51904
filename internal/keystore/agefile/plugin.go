package agefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// pluginHost says for how long plugins run, and who answers their questions, if anybody does.
type pluginHost struct {
	ctx        context.Context //nolint:containedctx // the methods of age's interfaces take none
	person     Person
	executable string // this program
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
	done, err := k.run(pluginTask{Name: k.name, Key: k.key, Stanzas: stanzas})
	return done.FileKey, err
}

// Wrap implements age.Recipient.
func (k pluginKey) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := k.WrapWithLabels(fileKey)
	return stanzas, err
}

// WrapWithLabels implements age.RecipientWithLabels.
func (k pluginKey) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	done, err := k.run(pluginTask{Name: k.name, Key: k.key, FileKey: fileKey})
	return done.Stanzas, done.Labels, err
}

// run has the plugin do the task. Where nobody can be asked, a worker runs it, which can be ended with
// it: age's library cannot end a plugin that hangs. Before a person, who can end it with Ctrl-C, it is
// abandoned at the end of the time. The error is age.ErrIncorrectIdentity or a *fault.Error.
func (k pluginKey) run(task pluginTask) (pluginResult, error) {
	if k.host.person == nil {
		return k.runApart(task)
	}
	done, err := child.Await(k.host.ctx, func() (pluginResult, error) { return (&conversation{pluginKey: k}).perform(task) })
	if cause := context.Cause(k.host.ctx); cause != nil && errors.Is(err, cause) {
		return pluginResult{}, k.ended(k.host.ctx, "")
	}
	return done, err
}

// ended says why the plugin was given up. It had said the message, which may be that a token has to be
// touched.
func (k pluginKey) ended(ctx context.Context, message string) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return k.fault("", "was interrupted")
	case message != "":
		return k.fault("do what it says", "did not answer in time; it said: %s", message)
	}
	return k.fault(runByHand, "did not answer in time")
}

// conversation is one run of a plugin.
type conversation struct {
	pluginKey
	secret  bool         // the plugin was given one, and may repeat it
	unasked *fault.Error // why a question was not asked
}

// perform has the plugin do the task.
func (c *conversation) perform(task pluginTask) (done pluginResult, err error) {
	ui := &plugin.ClientUI{DisplayMessage: c.show, RequestValue: c.request, Confirm: c.confirm}
	if task.FileKey == nil {
		var identity *plugin.Identity
		if identity, err = plugin.NewIdentity(task.Key, ui); err == nil {
			done.FileKey, err = identity.Unwrap(task.Stanzas)
		}
		return done, c.inWords(err)
	}
	recipient, err := plugin.NewRecipient(task.Key, ui)
	if err == nil {
		done.Stanzas, done.Labels, err = recipient.WrapWithLabels(task.FileKey)
	}
	return done, c.inWords(err)
}

// show shows the plugin's message, in a worker to its parent.
func (c *conversation) show(_, text string) error {
	if c.host.person == nil {
		_, err := fmt.Fprintln(os.Stderr, quote(text))
		return err
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
		return c.host.person.Line(c.host.ctx, c.prompt(text))
	}
	c.secret = true
	answer, err := c.host.person.Secret(c.host.ctx, c.prompt(text))
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
	return c.host.person.Confirm(c.host.ctx, question+")")
}

func (c *conversation) prompt(text string) string {
	return "age-plugin-" + c.name + ": " + fault.Printable(text)
}

// refuse keeps the reason why a question cannot be asked: the plugin learns only that it failed.
func (c *conversation) refuse(text string) error {
	c.unasked = c.fault("on a terminal, choose a key that asks nothing: aws-mfa-creds store protect --recipient AGE --identity FILE", "wants an answer to: %s", quote(text))
	return c.unasked
}

// inWords says what an error of the library means. It quotes none but what the plugin itself says:
// the library's own may quote a key.
func (c *conversation) inWords(err error) error {
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
		return c.missing("is not on PATH")
	}
	text := strings.TrimPrefix(err.Error(), c.name+" plugin: ")
	switch {
	case strings.HasPrefix(text, "couldn't start plugin"):
		return c.missing("cannot be run")
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

func (k pluginKey) missing(how string) error {
	return k.fault("install age-plugin-"+k.name+", best in /usr/local/bin: consumers may run us without your PATH", "%s", how)
}

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

// WorkerArg is the first argument of a process that runs one age plugin: main passes it on to Worker.
const WorkerArg = "age-plugin-worker"

// pluginLimit is how long a plugin may take when nobody can be asked. There may be a token to
// touch.
const pluginLimit = 20 * time.Second

// pluginTask is what a plugin has to do: wrap the FileKey or, if there is none, unwrap that in Stanzas.
// It is what a worker gets on stdin, as JSON.
type pluginTask struct {
	Name    string
	Key     string // as of pluginKey
	FileKey []byte
	Stanzas []*age.Stanza
}

// pluginResult is what has come of a task, and what a worker prints on stdout, as JSON.
type pluginResult struct {
	FileKey []byte
	Stanzas []*age.Stanza
	Labels  []string

	NoMatch       bool // the key opens none of the stanzas
	Cause, Remedy string
}

// Worker does the task on stdin and prints the result on stdout, and the messages of the plugin on
// stderr. It returns the exit code.
func Worker(stdin io.Reader, stdout io.Writer) int {
	return child.Answer(stdin, stdout, 2*maxFile, func(task pluginTask) pluginResult {
		done, err := (&conversation{pluginKey: pluginKey{name: task.Name}}).perform(task)
		if e, ok := err.(*fault.Error); ok { //nolint:errorlint // perform returns this or the other
			return pluginResult{Cause: e.Cause, Remedy: e.Remedy}
		}
		done.NoMatch = err != nil
		return done
	})
}

// runApart has a worker do the task. It has a session of its own, so that the plugin has no terminal,
// and is killed with the plugin and all that this has started when the time is over.
func (k pluginKey) runApart(task pluginTask) (done pluginResult, err error) {
	ctx, cancel := context.WithTimeout(k.host.ctx, pluginLimit)
	defer cancel()
	var messages child.Head
	err = child.Program{Argv: []string{k.host.executable, WorkerArg}, Limit: 2 * maxFile, Session: true, Stderr: &messages}.Ask(ctx, task, &done)
	switch {
	case ctx.Err() != nil:
		lines := strings.Split(strings.TrimSpace(messages.String()), "\n")
		return pluginResult{}, k.ended(ctx, lines[len(lines)-1])
	case err != nil:
		return pluginResult{}, k.fault(runByHand, "failed")
	case done.NoMatch:
		return pluginResult{}, age.ErrIncorrectIdentity
	case done.Cause != "":
		return pluginResult{}, k.fault(done.Remedy, "%s", done.Cause)
	}
	return done, nil
}
