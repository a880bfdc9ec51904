package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// client is a row of the matrix.
type client struct {
	name     string
	model    string // the source of what it models; empty: the real client
	core     bool   // it is one of the few that the gate runs
	optional bool   // where it cannot be had is no failure
	howToGet string // if it is missing
	kit      *kit   // what has to be built before

	// version returns a command that prints the version, and fails if the client is not there.
	version []string

	// talks: the command is a program that makes one signed request for each line of its
	// input. Otherwise each request is a run of the command.
	talks   bool
	command func(m *machine, profile string) []string
	prepare func(ctx context.Context, m *machine, profile string) error // before the first run

	// crowd lays out m for twenty requests at once by one client, if it can do so.
	crowd func(ctx context.Context, m *machine) error

	noTokenFile bool // it does not know AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE

	perStart, perAsk int               // the helper runs of one client, and of each of its requests
	note             string            // what else is to be known
	shows            seen              // what its user sees of a failing helper
	cannot           map[string]string // case: why not
	cause            map[string]string // case: what in the client's source makes of it what is seen
	env              []string
}

// whyNot tells why a cell cannot be. Who takes no role takes no role of a role.
func (c *client) whyNot(name string) string {
	if why := c.cannot[name]; why != "" || name != caseChain {
		return why
	}
	return c.cannot[caseSDKRole]
}

// explained fails if a cell is not as one would wish, and the client has no cause for it.
func (c *client) explained(name, text string) error {
	wished, cause := text, c.cause[name]
	switch name {
	case caseFails:
		wished = string(inMessage)
	case caseKilled: // a slow machine adds failures
		wished = "fails"
	case caseSession, caseSDKRole, caseChain, caseOurRole, case14, case9, caseDown:
		wished, cause = c.ratio(1), cause+c.cause[caseSession]
		if !c.talks {
			wished = c.ratio(c.requests())
		}
	}
	if !strings.HasPrefix(text, wished) && cause == "" {
		return fmt.Errorf("it is %q, and no cause of that is named", text)
	}
	return nil
}

// In client.env, wireCA stands for the path of the certificate of the wire, and wireURL for its address.
const (
	wireCA  = "WIRE_CA"
	wireURL = "WIRE_URL"
)

// variables returns env for m.
func (c *client) variables(m *machine) []string {
	env := slices.Clone(c.env)
	for i := range env {
		env[i] = strings.NewReplacer(wireCA, m.caFile(), wireURL, m.wire.url()).Replace(env[i])
	}
	return env
}

// seen tells where the user of a client finds the line of a failing helper.
type seen string

const (
	inMessage  seen = "yes"
	onTerminal seen = "on stderr"
	hidden     seen = "no"
)

// asker is a running client.
type asker interface {
	// ask makes one signed request. The error has what the client says about it.
	ask(ctx context.Context) error
	// terminal returns what the client, and what it has started, has left on the terminal so far.
	terminal() string
	close()
}

// start starts the client on m.
func (c *client) start(ctx context.Context, m *machine, profile string) (asker, error) {
	if c.prepare != nil {
		if err := c.prepare(ctx, m, profile); err != nil {
			return nil, err
		}
	}
	if !c.talks {
		return &oneShot{client: c, m: m, profile: profile}, nil
	}
	return c.startTalking(ctx, m, profile)
}

// oneShot runs a command for each request.
type oneShot struct {
	client  *client
	m       *machine
	profile string
	stderr  buffer
}

func (o *oneShot) ask(ctx context.Context) error {
	cmd := o.m.command(ctx, o.client.command(o.m, o.profile)...)
	cmd.Env = append(cmd.Env, o.client.variables(o.m)...)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err == nil {
		_, _ = o.stderr.Write(out.Bytes())
		return nil
	}
	return fmt.Errorf("%w: %s", err, strings.TrimSpace(out.String()))
}

func (o *oneShot) terminal() string { return o.stderr.String() }
func (*oneShot) close()             {}

// talker is a program that makes a request for each line, and says how that ended.
type talker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr buffer
}

func (c *client) startTalking(ctx context.Context, m *machine, profile string) (asker, error) {
	t := &talker{cmd: m.command(ctx, c.command(m, profile)...)}
	t.cmd.Env = append(t.cmd.Env, c.variables(m)...)
	t.cmd.WaitDelay = time.Second
	t.cmd.Stderr = &t.stderr
	in, err := t.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.in, t.out = in, bufio.NewReader(out)
	return t, t.cmd.Start()
}

func (t *talker) ask(context.Context) error {
	if _, err := io.WriteString(t.in, "ask\n"); err != nil {
		return fmt.Errorf("it has ended: %w: %s", err, t.stderr.String())
	}
	line, err := t.out.ReadString('\n')
	switch line = strings.TrimSpace(line); {
	case line == "ok":
		return nil
	case err != nil:
		return fmt.Errorf("it has ended: %w: %s", err, t.stderr.String())
	default:
		return errors.New(line)
	}
}

func (t *talker) terminal() string { return t.stderr.String() }

func (t *talker) close() {
	_ = t.in.Close()
	_, _ = io.Copy(io.Discard, t.out)
	_ = t.cmd.Wait()
}

// buffer is a bytes.Buffer that may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
