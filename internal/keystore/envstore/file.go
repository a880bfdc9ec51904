package envstore

import (
	"errors"
	"io"
	"io/fs"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// maxSecretFile is far more than any access key, seed or serial needs, in bytes.
const maxSecretFile = 64 << 10

// readSecretFile returns the content of the file at path, as creds.Text has it. variable, which named
// the file, goes into the errors; the content never does.
// A pipe or device is refused, because it could block for ever.
func readSecretFile(variable, path string) (string, error) {
	f, info, err := securefile.OpenRegular(path)
	switch {
	case errors.Is(err, securefile.ErrNotRegular):
		return "", fault.New(fault.NoSecret, variable, "name a regular file", "%s is %s", path, kindOf(info))
	case errors.Is(err, fs.ErrPermission):
		return "", unreadable(variable, path, err)
	case err != nil:
		// The path is not echoed: it may be the secret itself, in the wrong variable.
		return "", fault.New(fault.NoSecret, variable, "set it to the path of the file that holds the value", "names no file that can be found")
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", unreadable(variable, path, err)
	}
	value := creds.Text(content)
	switch {
	case len(content) > maxSecretFile:
		return "", fault.New(fault.NoSecret, variable, "name the file that holds the value alone", "%s is larger than %d bytes", path, maxSecretFile)
	case value == "":
		return "", fault.New(fault.NoSecret, variable, "write the value into it", "%s is empty", path)
	}
	return value, nil
}

func unreadable(variable, path string, err error) error {
	return fault.New(fault.Filesystem, variable, "make it readable for this user alone: chmod 600 "+fault.Shell(path), "cannot read %s: %s", path, securefile.Reason(err))
}

func kindOf(info fs.FileInfo) string {
	switch {
	case info != nil && info.IsDir():
		return "a directory"
	case info != nil && info.Mode()&fs.ModeNamedPipe != 0:
		return "a pipe"
	default:
		return "a special file"
	}
}
