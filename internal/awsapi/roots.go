package awsapi

import (
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// CheckBundle refuses, with a *fault.Error of kind Config, a CA bundle that a call could not use. An empty
// path stands for the system's roots.
func CheckBundle(path string) error {
	_, err := roots(path)
	return err
}

// maxBundle caps a CA bundle, in bytes; the whole set of public roots is 250 KB.
const maxBundle = 16 << 20

// roots returns the certificates of the CA bundle at path, or nil, the system's
// roots, when path is empty. As in the SDKs, the bundle replaces the system's.
func roots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := readBundle(path)
	if err != nil {
		return nil, badBundle(path, "cannot be read: "+reason(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, badBundle(path, "holds no certificate in PEM form")
	}
	return pool, nil
}

// readBundle reads at most maxBundle bytes of a regular file. It looks at the
// file first, because opening a named pipe would block.
func readBundle(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(path) //nolint:gosec // the user's own choice, and it holds no secret
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxBundle))
}

func badBundle(path, cause string) error {
	return fault.New(fault.Config, "CA bundle "+path, "correct or unset AWS_CA_BUNDLE (ca_bundle in the AWS config)", "%s", cause)
}

// reason returns err without the operation and path, which the fault names already.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
