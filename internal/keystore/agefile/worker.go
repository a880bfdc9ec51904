package agefile

import (
	"context"
	"io"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

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
