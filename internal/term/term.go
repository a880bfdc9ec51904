// Package term asks a person at the terminal, whatever stdin and stdout are.
//
// A prompt says what to enter, and ends in a colon. A secret is never echoed, not even as stars. The
// default answer of a question changes nothing. What cannot be undone requires typing a word.
package term

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// ErrNone says that there is no terminal, so that nobody can be asked.
var ErrNone = errors.New("no terminal")

// maxLine is the longest answer, in bytes. Exports of authenticator apps are the longest texts that
// anybody pastes.
const maxLine = 16 << 10

// Terminal is the terminal of the person who runs this process.
type Terminal struct {
	in, out *os.File
	lines   *bufio.Reader
	left    bool // a read that was given up goes on
}

// Open opens the terminal. The error is ErrNone if this process has none.
func Open() (*Terminal, error) {
	in, out, err := open()
	if err != nil {
		return nil, ErrNone
	}
	return &Terminal{in: in, out: out, lines: bufio.NewReaderSize(in, maxLine)}, nil
}

// Close frees the terminal.
func (t *Terminal) Close() {
	if t.left { // Windows would wait for the end of the read
		return
	}
	_ = t.in.Close()
	_ = t.out.Close() // on Unix the same
}

// Write shows text.
func (t *Terminal) Write(text []byte) (int, error) { return t.out.Write(text) }

// Is reports whether a stream is a terminal: what is typed there is echoed, and a person reads what is written.
func Is(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Coloured reports whether a stream is a terminal that obeys escape sequences.
func Coloured(stream any) bool { return Is(stream) && escapes(stream.(*os.File)) }

// Width returns how many characters a line has on out, if that is a terminal; otherwise 0. Where nobody has set
// it, it is that of COLUMNS, or 80.
func Width(out io.Writer, getenv func(string) string) int {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if set, wrong := strconv.Atoi(getenv("COLUMNS")); wrong == nil && set > 0 && (err != nil || columns == 0) {
		columns = set
	}
	return cmp.Or(columns, 80)
}

// Size returns the size of the terminal in characters, which is 0 if nobody has set it.
func (t *Terminal) Size() (columns, rows int, err error) { return term.GetSize(int(t.out.Fd())) }

// Line asks for a line and returns it as creds.Text has it. The error is
// io.EOF if the person ended the input, or ctx's cause.
func (t *Terminal) Line(ctx context.Context, prompt string) (string, error) {
	if _, err := fmt.Fprintf(t.out, "%s: ", prompt); err != nil {
		return "", err
	}
	text, err := t.read(ctx)
	if err != nil {
		_, _ = io.WriteString(t.out, "\n") // the person has ended none
	}
	return text, err
}

// Secret asks for a secret, which is not echoed. It fails as Line does.
func (t *Terminal) Secret(ctx context.Context, prompt string) (creds.Secret, error) {
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return creds.Secret{}, err
	}
	hide := func() error {
		// Before the prompt: what is typed, or pasted, as soon as it shows must not be echoed.
		if err := silence(fd); err != nil {
			return err
		}
		_, err := fmt.Fprintf(t.out, "%s (not shown): ", prompt)
		return err
	}
	show := func() { _ = term.Restore(fd, before) }
	defer show()
	defer whenStopped(show, func() { _ = hide() })()
	if err := hide(); err != nil {
		return creds.Secret{}, err
	}
	text, err := t.read(ctx)
	_, _ = io.WriteString(t.out, "\n") // the person's own was not echoed
	return creds.NewSecret(text), err
}

// Confirm asks a question and reports whether it was answered with y or yes. Anything
// else, nothing at all too, is a no.
func (t *Terminal) Confirm(ctx context.Context, question string) (bool, error) {
	answer, err := t.Line(ctx, question+" [y/N]")
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes", err
}

// signalDelay is how long a console of Windows, where Ctrl-C ends the input as well, takes to tell why.
const signalDelay = 100 * time.Millisecond

// read returns the next line.
func (t *Terminal) read(ctx context.Context) (string, error) {
	text, err := child.Await(ctx, func() (string, error) {
		line, err := t.lines.ReadSlice('\n')
		defer clear(line)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return "", fmt.Errorf("the answer is longer than %d characters", maxLine)
		case errors.Is(err, io.EOF) && len(line) > 0:
			err = nil
		}
		return creds.Text(line), err
	})
	if errors.Is(err, io.EOF) {
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(signalDelay):
		}
	}
	t.left = ctx.Err() != nil
	return text, err
}

// Status shows one line in the place of the one before: the first of lines, from the most to the least
// informative, that the window has room for. Without lines it leaves an empty line to go on with.
func (t *Terminal) Status(lines ...string) error {
	columns, _, err := t.Size()
	shown := ""
	for _, shown = range lines {
		if err != nil || columns == 0 || len(shown) < columns { // the last column would wrap
			break
		}
	}
	_, err = io.WriteString(t.out, "\r"+shown+"\x1b[K") // ECMA-48, EL: erase to the end of the line
	return err
}

// Lend calls run with the terminal, for a program that asks the person itself, and afterwards has the
// terminal as it was: a program that is killed while it hides what is typed leaves it so.
func (t *Terminal) Lend(run func(in *os.File, out io.Writer) error) error {
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return err
	}
	defer func() { _ = term.Restore(fd, before) }()
	return run(t.in, t.out)
}
