package main

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// readInput returns what is in the file at path, or on stdin for -, of at most limit bytes. flag is
// how it was named.
func (a *app) readInput(flag, path string, limit int64) ([]byte, error) {
	if path == "-" {
		return readAtMost(a.stdin, "stdin", limit)
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
	return readAtMost(f, flag+" "+path, limit)
}

func readAtMost(in io.Reader, thing string, limit int64) ([]byte, error) {
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
