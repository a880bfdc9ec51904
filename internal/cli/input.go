package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

// readInput returns what is in the file at path, or on stdin for -, of at most limit bytes. flag is
// how it was named. A terminal is refused, because it echoes. The error is ctx's cause if that ends
// first: a pipe may keep its reader waiting for ever, a goroutine that ends with the process.
func (a *app) readInput(ctx context.Context, flag, path string, limit int64) ([]byte, error) {
	type content struct {
		data []byte
		err  error
	}
	contents := make(chan content, 1)
	go func() {
		data, err := a.readSource(flag, path, limit)
		contents <- content{data, err}
	}()
	select {
	case c := <-contents:
		return c.data, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (a *app) readSource(flag, path string, limit int64) ([]byte, error) {
	if path == "-" {
		return readAtMost(a.stdin, flag, "stdin", limit)
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil, fault.New(fault.Usage, flag, "give the path of a file, or - for stdin", "names a directory")
	}
	if err != nil || !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0 && info.Mode()&fs.ModeCharDevice == 0 {
		// The path is not echoed: it may be the secret itself.
		return nil, fault.New(fault.Usage, flag, "give the path of a file, or - for stdin", "names no file")
	}
	f, err := os.Open(path) //nolint:gosec // the user's own choice
	if err != nil {
		return nil, fault.New(fault.Filesystem, flag+" "+path, "make it readable: chmod u+r "+fault.Shell(path), "cannot be read: %s", reason(err))
	}
	defer func() { _ = f.Close() }()
	return readAtMost(f, flag, flag+" "+path, limit)
}

func readAtMost(in io.Reader, flag, thing string, limit int64) ([]byte, error) {
	if term.Is(in) {
		return nil, fault.New(fault.Usage, thing, "leave "+flag+" out: what is asked for is not shown", "is a terminal, which shows what is typed")
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	switch {
	case err != nil:
		return nil, fault.New(fault.Filesystem, thing, "", "cannot be read: %s", reason(err))
	case int64(len(data)) > limit:
		return nil, fault.New(fault.Usage, thing, "", "has more than %d bytes", limit)
	case len(data) == 0:
		return nil, fault.New(fault.Usage, thing, "", "is empty")
	}
	return data, nil
}

// reason is err without the path.
func reason(err error) string {
	if bad, ok := errors.AsType[*fs.PathError](err); ok {
		return bad.Err.Error()
	}
	return err.Error()
}

// where names a source in an error.
func where(flag, path string) string {
	if path == "-" {
		return "stdin"
	}
	return flag + " " + path
}
