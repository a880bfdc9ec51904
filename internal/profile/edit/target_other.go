//go:build !unix

package edit

import (
	"crypto/rand"
	"os"
	"path/filepath"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
)

// lockFlags open a lock file. Go's handles are not inherited by children.
const lockFlags = os.O_RDWR

// keepOwner has nothing to do: a new file belongs to whoever owns its directory.
func (*target) keepOwner() error { return nil }

// swap lets atomicfile replace the file, which knows to wait for the virus scanner.
func (t *target) swap() error {
	dir := atomicfile.Dir{Root: t.root, Rand: rand.Reader}
	if err := dir.Write(filepath.Base(t.end), []byte(t.new), atomicfile.Options{Mode: t.mode(), Durable: true}); err != nil {
		return err
	}
	return t.root.Remove(t.staged)
}
