package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

// asker is where the input of a command comes from: a person at the terminal, or stdin and files. Every
// command that asks has a form for scripts too.
type asker struct {
	terminal *term.Terminal // nil if there is none
	app      *app
	yes      bool // --yes answers all questions
}

// open opens the terminal, if there is one.
func (q *asker) open(a *app) {
	q.app = a
	if t, err := term.Open(); err == nil {
		q.terminal = t
	}
}

func (q *asker) close() {
	if q.terminal != nil {
		q.terminal.Close()
	}
}

// personPatience ends commands that ask a person.
const personPatience = time.Hour

// interactive runs a command that may ask a person, and that signals may interrupt.
func (a *app) interactive(run func(context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		ctx, cancel := untilInterrupted(cmd.Context(), personPatience)
		defer cancel()
		a.ask.open(a)
		defer a.ask.close()
		return run(ctx)
	}
}

// present reports whether somebody can be asked.
func (q *asker) present() bool { return q.terminal != nil }

// line asks for something that is no secret. flag is how a script gives it.
func (q *asker) line(ctx context.Context, prompt, flag string) (string, error) {
	if !q.present() {
		return "", noTerminal(flag)
	}
	text, err := q.terminal.Line(ctx, prompt)
	return text, ended(err)
}

// secret asks for something that must not be seen.
func (q *asker) secret(ctx context.Context, prompt, flag string) (creds.Secret, error) {
	if !q.present() {
		return creds.Secret{}, noTerminal(flag)
	}
	text, err := q.terminal.Secret(ctx, prompt)
	return text, ended(err)
}

// confirm has a question answered with yes, or fails.
func (q *asker) confirm(ctx context.Context, question string) error {
	if !q.yes && !q.present() {
		return fault.New(fault.Usage, "", "give --yes", "there is no terminal to ask on: %s", question)
	}
	yes, err := q.agrees(ctx, question)
	if err == nil && !yes {
		err = fault.New(fault.Usage, "", "", "nothing was changed")
	}
	return err
}

// agrees asks a question that may be answered with no. Where nobody can be asked, the answer is yes.
func (q *asker) agrees(ctx context.Context, question string) (bool, error) {
	if q.yes || !q.present() {
		return true, nil
	}
	yes, err := q.terminal.Confirm(ctx, question)
	return yes, ended(err)
}

// word has a person type word, to confirm what cannot be undone.
func (q *asker) word(ctx context.Context, prompt, word string) error {
	answer, err := q.line(ctx, prompt, "--yes")
	if err == nil && answer != word {
		err = fault.New(fault.Usage, "", "", "nothing was changed")
	}
	return err
}

// serial asks for the serial of an MFA device. suggestion is what it probably is, or "".
func (q *asker) serial(ctx context.Context, prompt, flag, suggestion string) (string, error) {
	if suggestion != "" {
		prompt += " [" + suggestion + "]"
	}
	return insist(ctx, q, q.line, prompt, flag, func(text string) (string, error) {
		return profile.CheckSerial("the serial", cmp.Or(text, suggestion))
	})
}

// tries is how often a person is asked for the same thing.
const tries = 3

// insist asks with q.line or q.secret until check takes the answer, a few times at most: what is pasted
// for the next question must not go to a shell because of a typo in this one.
func insist[A, R any](ctx context.Context, q *asker, ask func(ctx context.Context, prompt, flag string) (A, error), prompt, flag string, check func(A) (R, error)) (R, error) {
	for try := 1; ; try++ {
		answer, err := ask(ctx, prompt, flag)
		if err != nil {
			var none R
			return none, err
		}
		result, err := check(answer)
		if _, bad := errors.AsType[*fault.Error](err); !bad || try == tries {
			return result, err
		}
		q.complain(err)
	}
}

// complain shows what is wrong with an answer.
func (q *asker) complain(err error) { fmt.Fprintln(q.terminal, fault.Line(err)) }

func noTerminal(flag string) error {
	return fault.New(fault.Usage, "", "give "+flag, "there is no terminal to ask on")
}

// ended puts the end of the input into words.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Usage, "", "", "nothing was entered")
	}
	return err
}

// read returns what is in the file at path, or on stdin for -, of at most limit bytes. flag is
// how it was named. A terminal is refused, because it echoes. The error is ctx's cause if that ends
// first: a pipe may keep its reader waiting for ever.
func (q *asker) read(ctx context.Context, flag, path string, limit int64) ([]byte, error) {
	return child.Await(ctx, func() ([]byte, error) { return q.readSource(flag, path, limit) })
}

const giveFile = "give the path of the file that has it"

func (q *asker) readSource(flag, path string, limit int64) ([]byte, error) {
	if path == "-" {
		return readAtMost(q.app.stdin, flag, "stdin", limit)
	}
	path = q.expand(path)
	thing := flag // alone, if path may be the secret itself
	if _, safe := looksLikePath(path); safe {
		thing += " " + path
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil, fault.New(fault.Usage, thing, giveFile, "is a directory")
	}
	if err != nil || !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0 && info.Mode()&fs.ModeCharDevice == 0 {
		return nil, fault.New(fault.Usage, thing, giveFile, "no such file")
	}
	f, err := os.Open(path) //nolint:gosec // the user's own choice
	if err != nil {
		return nil, fault.New(fault.Filesystem, flag+" "+path, "make it readable: "+fault.Chmod("u+r", path), "cannot be read: %s", securefile.Reason(err))
	}
	defer func() { _ = f.Close() }()
	return readAtMost(f, flag, flag+" "+path, limit)
}

func readAtMost(in io.Reader, flag, thing string, limit int64) ([]byte, error) {
	if term.Is(in) {
		return nil, fault.New(fault.Usage, thing, "leave out "+flag+" to type it without echo", "is a terminal, which would show what you type")
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	switch {
	case err != nil:
		return nil, fault.New(fault.Filesystem, thing, "", "cannot be read: %s", securefile.Reason(err))
	case int64(len(data)) > limit:
		return nil, fault.New(fault.Usage, thing, giveFile, "is larger than %d bytes", limit)
	case len(data) == 0:
		return nil, fault.New(fault.Usage, thing, giveFile, "is empty")
	}
	return data, nil
}

// text returns the text in the file at path, as creds.Text has it. It fails as read does.
func (q *asker) text(ctx context.Context, flag, path string) (string, error) {
	data, err := q.read(ctx, flag, path, maxSecret)
	defer clear(data)
	text := creds.Text(data)
	if err == nil && text == "" {
		err = fault.New(fault.Usage, where(flag, path), giveFile, "is empty")
	}
	return text, err
}

// expand puts the home directory in the place of the ~ that shells leave in --flag=~/file.
func (q *asker) expand(path string) string {
	if rest, found := strings.CutPrefix(path, "~"); found && (rest == "" || os.IsPathSeparator(rest[0])) {
		return cmp.Or(q.app.getenv("HOME"), homeOfUser()) + rest
	}
	return path
}

// typedPath returns the path in what was typed, pasted or dropped on the terminal: file managers quote
// it, escape its spaces, or give a file: URL.
func (q *asker) typedPath(text string) string {
	if words, ok := profile.SplitWords(text); runtime.GOOS == "windows" {
		text = strings.Trim(text, `"'`)
	} else if ok && len(words) == 1 {
		text = words[0]
	}
	if u, err := url.Parse(text); err == nil && u.Scheme == "file" {
		text = u.Path
		if runtime.GOOS == "windows" {
			text = strings.TrimPrefix(text, "/") // before the drive
		}
	}
	return q.expand(text)
}

// typedFile returns the path in what was typed, and whether a file is meant: it looks like a path, or there is one.
func (q *asker) typedFile(text string) (path string, meant bool) {
	path = q.typedPath(text)
	info, err := os.Stat(path)
	meant, _ = looksLikePath(path)
	return path, meant || err == nil && info.Mode().IsRegular()
}

// looksLikePath reports whether text is meant as the path of a file, and whether it is safe to show: not
// if it could be a secret access key.
func looksLikePath(text string) (path, safe bool) {
	path = regexp.MustCompile(`^(/|~|\.\.?[/\\]|[A-Za-z]:[/\\])|(?i)\.(png|jpe?g|webp|gif|heic|bmp|tiff?|svg|pdf|txt|csv|json)$`).MatchString(text) && !strings.Contains(text, "://")
	safe = path && regexp.MustCompile(`[^A-Za-z0-9+/=]`).MatchString(text)
	return path && (safe || len(text) != creds.SecretLength), safe
}

// where names a source in an error.
func where(flag, path string) string {
	if path == "-" {
		return "stdin"
	}
	return flag + " " + path
}
