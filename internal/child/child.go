// Package child runs other programs so that they can neither hang this process nor
// outlive it: with a limit, a cap on what they print, and no terminal.
package child

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"time"
)

// ErrTooMuch says that a program printed more than it was allowed to.
var ErrTooMuch = errors.New("printed too much")

// lastWords is how long a program that was killed may keep its pipes open.
const lastWords = 200 * time.Millisecond

// Program is one run of a program.
type Program struct {
	Argv  []string // no shell sees them; Argv[0] is looked up on PATH
	Env   []string // the whole environment, as of os.Environ
	Stdin []byte
	Limit int64 // of stdout, in bytes
}

// Run returns what the program printed on stdout. What it printed on stderr is dropped: it may
// hold a secret. When ctx ends, the program is killed with all that it has started, and the error
// is ctx's. The other errors are those of os/exec and ErrTooMuch.
func (p Program) Run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...) //nolint:gosec // what to run is the caller's choice
	cmd.Env = p.Env
	cmd.WaitDelay = lastWords
	if len(p.Stdin) > 0 {
		cmd.Stdin = bytes.NewReader(p.Stdin)
	}
	out := &capped{left: p.Limit, exceeded: func() { cancel(ErrTooMuch) }}
	cmd.Stdout = out
	alone(cmd)
	runtime.LockOSThread() // see DieWithUs
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well; what it left running keeps the pipe, and is none of ours
	}
	return out.buffer.Bytes(), err
}

// capped keeps what is written, up to a limit. The buffer is not embedded: its ReadFrom would
// go past the limit.
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
