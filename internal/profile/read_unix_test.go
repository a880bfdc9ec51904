//go:build unix

package profile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// TestFIFO would block for ever if the file were opened plainly.
func TestFIFO(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Paths{Own: path})
	wantFault(t, err, fault.Config, path, "not a regular file")
	_, err = Load(Paths{Own: "/dev/zero"})
	wantFault(t, err, fault.Config, "/dev/zero", "not a regular file")
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		unreadableAsRoot(t)
		return
	}
	paths := write(t, "[profile x]\n", "", "")
	if err := os.Chmod(paths.AWSConfig, 0o200); err != nil {
		t.Fatal(err)
	}
	_, err := Load(paths)
	wantFault(t, err, fault.Filesystem, paths.AWSConfig, "permission denied (mode --w------- of "+paths.AWSConfig+")", "chmod u+r")
}

// unreadableAsRoot takes an error that even root gets: a loop of symbolic links.
func unreadableAsRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(path, path); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Paths{AWSConfig: path})
	wantFault(t, err, fault.Filesystem, path, "cannot be read: too many levels of symbolic links")
	err = Unreadable("/", &os.PathError{Op: "open", Path: "/", Err: syscall.EACCES})
	wantFault(t, err, fault.Filesystem, "permission denied (mode d", "chmod u+r /")
}
