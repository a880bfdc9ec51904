// Package child runs other programs so that they can neither hang this process nor outlive it: with a
// time limit, a limit on their output, and no terminal unless they are given one. Await does the same for
// calls that may hang.
package child

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ErrTooMuch is a program that printed more than it was allowed to.
var ErrTooMuch = errors.New("printed too much")

// drainLimit is how long the pipes of a program may stay open after it has ended or was killed.
const drainLimit = 200 * time.Millisecond

// Program is one run of a program. It gets the environment of this process, from which TakeSecrets
// has taken the secrets.
type Program struct {
	Argv  []string // no shell sees them; Argv[0] is looked up on PATH
	Env   []string // NAME=value, beside the environment of this process or in place of a variable there
	Stdin []byte
	Limit int64 // of stdout, in bytes

	// Terminal, if not nil, is the program's stdin in place of Stdin: it may ask the person there.
	Terminal *os.File

	// Session gives the program a session of its own: it cannot even open the terminal.
	Session bool

	// Stderr receives what the program prints there. Nil: it is dropped, since it may hold a secret.
	Stderr io.Writer
}

// Run returns what the program printed on stdout. When ctx ends, the program is killed with all
// that it has started, and the error is ctx's cause. The other errors are those of os/exec and
// ErrTooMuch.
func (p Program) Run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := &capped{left: p.Limit, exceeded: func() { cancel(ErrTooMuch) }}
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...) //nolint:gosec // what to run is the caller's choice
	cmd.Env = append(os.Environ(), p.Env...)                  //nolint:forbidigo // see Program
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, p.Stderr, drainLimit
	switch {
	case p.Terminal != nil:
		cmd.Stdin = p.Terminal
	case len(p.Stdin) > 0:
		cmd.Stdin = bytes.NewReader(p.Stdin)
	}
	isolate(cmd, p.Terminal == nil, p.Session)
	runtime.LockOSThread() // see isolate
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well; only a program that it left running keeps the pipe
	}
	return out.buffer.Bytes(), err
}

// errNoAnswer quotes nothing: what the program printed may hold a secret.
var errNoAnswer = errors.New("printed something else than an answer")

// Ask runs a program of ours with question on its stdin, and parses what it prints into answer, both as JSON.
func (p Program) Ask(ctx context.Context, question, answer any) (err error) {
	if p.Stdin, err = json.Marshal(question); err != nil {
		return err
	}
	defer clear(p.Stdin)
	out, err := p.Run(ctx)
	defer clear(out)
	if err == nil && json.Unmarshal(out, answer) != nil {
		err = errNoAnswer
	}
	return err
}

// Answer is what a program does that was run by Ask: it reads the question, of at most limit bytes, from stdin,
// and prints what work makes of it. It returns the exit code.
func Answer[Q, A any](stdin io.Reader, stdout io.Writer, limit int64, work func(Q) A) (code int) {
	var question Q
	text, err := io.ReadAll(io.LimitReader(stdin, limit))
	defer clear(text)
	if err != nil || json.Unmarshal(text, &question) != nil || json.NewEncoder(stdout).Encode(work(question)) != nil {
		return 1
	}
	return 0
}

// capped keeps what is written, up to a limit. The buffer is not embedded: its ReadFrom would
// bypass the limit.
type capped struct {
	buffer   bytes.Buffer
	left     int64
	exceeded func()
}

func (c *capped) Write(p []byte) (int, error) {
	c.left -= int64(len(p))
	if c.left < 0 {
		c.exceeded()
		return 0, io.ErrShortWrite
	}
	return c.buffer.Write(p)
}

// Head keeps the beginning of what is written to it.
type Head struct{ text []byte }

// maxHead is how much a Head keeps, in bytes.
const maxHead = 64 << 10

// Write implements io.Writer and never fails.
func (h *Head) Write(p []byte) (int, error) {
	h.text = append(h.text, p[:min(len(p), maxHead-len(h.text))]...)
	return len(p), nil
}

// String returns what was kept.
func (h *Head) String() string { return string(h.text) }

// Await returns what work returns, or ctx's cause if that ends first. What cannot be given up, such as to
// read from a terminal, goes on in a goroutine, and ends with the process.
func Await[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		result T
		err    error
	}
	outcomes := make(chan outcome, 1)
	go func() {
		result, err := work()
		outcomes <- outcome{result, err}
	}()
	select {
	case o := <-outcomes:
		return o.result, o.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// TakeSecrets removes from the environment of this process what no program that it starts may see:
// access keys, seeds, sessions, passphrases. It returns a function that reads the environment as it
// was.
func TakeSecrets() (getenv func(name string) string) {
	taken := make(map[string]string)
	for _, pair := range os.Environ() { //nolint:forbidigo // main's one look at it
		name, value, _ := strings.Cut(pair, "=")
		if value != "" && isSecret(name) {
			taken[name] = value
			_ = os.Unsetenv(name) // fails for invalid names only
		}
	}
	return func(name string) string {
		if value, found := taken[name]; found {
			return value
		}
		return os.Getenv(name) //nolint:forbidigo // passed on from here
	}
}

func isSecret(name string) bool {
	switch strings.TrimSuffix(strings.ToUpper(name), "_FILE") { // Windows ignores case
	case "AWS_MFA_CREDS_ACCESS_KEY_ID", "AWS_MFA_CREDS_SECRET_ACCESS_KEY", "AWS_MFA_CREDS_SEED",
		"AWS_MFA_CREDS_SHARED_CACHE", "AWS_MFA_CREDS_SHARED_CACHE_PASSWORD",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_VAULT_FILE_PASSPHRASE",
		"AGEDEBUG": // has age copy what it says to its plugins to stderr
		return true
	}
	return false
}

// OfSession are the variables of which a session consists: id, secret, token and end.
func OfSession() []string {
	return []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"}
}

// Misleading are the variables that lead the AWS CLI and the SDKs to other credentials, some of them before those of
// a session, and those that tell of an earlier session.
func Misleading() []string {
	return []string{
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_SESSION_EXPIRATION", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_ACCOUNT_ID",
		"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_VAULT", Marker,
	}
}

// Marker is the variable that names, in a shell that was started with a session, the profile of the session: for
// prompts. It is none of those that this program reads settings from.
const Marker = "AWS_MFA_PROFILE"

// Depth tells a program that this one runs, and all that it runs, which MFA devices are waiting for its code: serials,
// separated by spaces.
const Depth = "AWS_MFA_CREDS_DEPTH"

// Environ returns the environment of this process, with variables, and otherwise without sessions and without what is
// of this program.
func Environ(variables [][2]string) []string {
	dropped := append(OfSession(), Misleading()...)
	for _, v := range variables {
		dropped = append(dropped, v[0])
	}
	environ := slices.DeleteFunc(os.Environ(), func(pair string) bool { //nolint:forbidigo // for a program that takes the place of this one
		name, _, _ := strings.Cut(pair, "=")
		name = strings.ToUpper(name) // Windows ignores case
		ours := strings.HasPrefix(name, "AWS_MFA_CREDS_")
		// Without Depth, a program could run itself without end; without the other, it would look for its files elsewhere.
		kept := name == Depth || name == "AWS_MFA_CREDS_HOME"
		return ours && !kept || slices.Contains(dropped, name)
	})
	for _, v := range variables {
		environ = append(environ, v[0]+"="+v[1])
	}
	return environ
}
