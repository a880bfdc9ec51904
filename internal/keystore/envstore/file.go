package envstore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// maxSecretFile is far more than any access key, seed or serial needs, in bytes.
const maxSecretFile = 64 << 10

// readSecretFile returns the content of the file at path without the white space
// around it. variable, which named the file, goes into the errors; the content never does.
// A pipe or device is refused, because it could block for ever.
func readSecretFile(variable, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		// The path is not echoed: it may be the secret itself, in the wrong variable.
		return "", fault.New(fault.NoSecret, variable, "set it to the path of the file that holds the value", "names no file that can be found")
	}
	if !info.Mode().IsRegular() {
		return "", fault.New(fault.NoSecret, variable, "name a regular file", "%s is a %s", path, kindOf(info.Mode()))
	}
	f, err := os.Open(path) //nolint:gosec // the user's own choice
	if err != nil {
		return "", unreadable(variable, path, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", unreadable(variable, path, err)
	}
	value := strings.TrimSpace(string(content))
	switch {
	case len(content) > maxSecretFile:
		return "", fault.New(fault.NoSecret, variable, "name the file that holds the value alone", "%s is larger than %d bytes", path, maxSecretFile)
	case value == "":
		return "", fault.New(fault.NoSecret, variable, "write the value into it", "%s is empty", path)
	}
	return value, nil
}

func unreadable(variable, path string, err error) error {
	cause := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		cause = e.Err
	}
	return fault.New(fault.Filesystem, variable, "make it readable for this user alone: chmod 600 "+path, "cannot read %s: %v", path, cause)
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	default:
		return "special file"
	}
}
