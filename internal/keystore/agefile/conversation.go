package agefile

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"
)

const (
	// pluginPatience is how long a plugin may take when nobody can be asked. There may be a
	// token to touch.
	pluginPatience = 20 * time.Second

	// pluginEnd is how long a plugin may take to end, once all is said.
	pluginEnd = time.Second
)

// conversation is one run of a plugin.
type conversation struct {
	pluginKey
	ctx     context.Context //nolint:containedctx // that of one call
	in      io.Writer
	out     *bufio.Reader
	take    func(stanza) bool // the answers that are expected; false: it was not one
	message string            // the last one the plugin wanted to be shown
	secrets bool              // the plugin was told one
}

// talk runs the plugin, says what is to say and hands over what it answers. The plugin has no
// terminal, its stderr is dropped, and it is killed, with what it has started, at the end of
// the host's time. The error is a *fault.Error.
func (k pluginKey) talk(machine string, say []stanza, take func(stanza) bool) error {
	ctx, cancel := context.WithCancel(k.host.ctx)
	if k.host.person == nil {
		ctx, cancel = context.WithTimeout(k.host.ctx, pluginPatience)
	}
	defer cancel()
	cmd := exec.CommandContext(ctx, "age-plugin-"+k.name, "--age-plugin="+machine) //nolint:gosec // which plugin is the owner's choice; its name was checked
	cmd.Env, cmd.Dir, cmd.WaitDelay = append([]string{}, k.host.env...), os.TempDir(), pluginEnd
	apart(cmd)
	runtime.LockOSThread() // see child.DieWithUs
	defer runtime.UnlockOSThread()
	in, err := cmd.StdinPipe()
	if err != nil {
		return k.fault(runByHand, "cannot be run")
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return k.fault(runByHand, "cannot be run")
	}
	if err := cmd.Start(); err != nil {
		return k.notStarted(err)
	}
	// What the plugin has left running may keep its ends of the pipes.
	defer context.AfterFunc(ctx, func() { _, _ = in.Close(), out.Close() })()
	c := &conversation{pluginKey: k, ctx: ctx, in: in, out: bufio.NewReaderSize(out, maxStanza), take: take}
	err = c.run(say)
	_ = in.Close()
	defer time.AfterFunc(pluginEnd, cancel).Stop()
	if err != nil {
		cancel()
	}
	_ = cmd.Wait()
	return err
}

func (k pluginKey) notStarted(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return k.fault("install age-plugin-"+k.name+"; consumers may run us without your PATH", "is not on PATH")
	}
	return k.fault("see that it exists and may be run", "cannot be run")
}

func (c *conversation) run(say []stanza) error {
	for _, s := range append(say, stanza{kind: "done"}) {
		if err := s.writeTo(c.in); err != nil {
			return c.broken(err)
		}
	}
	for {
		s, err := readStanza(c.out)
		if err != nil {
			return c.broken(err)
		}
		if s.kind == "done" {
			return nil
		}
		reply, err := c.answer(s)
		if err != nil {
			return err
		}
		if err := reply.writeTo(c.in); err != nil {
			return c.broken(err)
		}
	}
}

// broken says why the conversation ended early.
func (c *conversation) broken(err error) error {
	switch {
	case errors.Is(c.ctx.Err(), context.Canceled):
		return c.fault("", "was interrupted")
	case c.ctx.Err() != nil && c.message != "":
		return c.fault("do what it says", "did not answer in time; it said: %s", c.message)
	case c.ctx.Err() != nil:
		return c.fault(runByHand, "did not answer in time")
	case errors.Is(err, errStanza):
		return c.fault(runByHand, "does not speak the protocol of age plugins")
	}
	return c.fault(runByHand, "ended without an answer")
}

// answer returns the reply to what the plugin said.
func (c *conversation) answer(s stanza) (stanza, error) {
	if c.take(s) {
		return stanza{kind: "ok"}, nil
	}
	switch s.kind {
	case "error":
		return stanza{}, c.failed(s.body)
	case "msg":
		return c.show(s.body)
	case "request-public", "request-secret", "confirm":
		return c.ask(s)
	}
	return stanza{kind: "unsupported"}, nil
}

func (c *conversation) failed(text []byte) error {
	said := quote(text)
	if said == "" || c.secrets {
		return c.fault(runByHand, "failed")
	}
	return c.fault("", "failed: %s", said)
}
