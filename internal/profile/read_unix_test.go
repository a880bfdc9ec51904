//go:build unix

package profile

import (
	"os"
	"path/filepath"
	"strings"
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
	wantFault(t, err, fault.Config, path, "not a regular file (mode p")
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
	wantFault(t, err, fault.Filesystem, paths.AWSConfig, "permission denied (mode --w-------)", "chmod u+r")
}

// unreadableAsRoot takes an error that even root gets: a loop of symbolic links.
func unreadableAsRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(path, path); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Paths{AWSConfig: path})
	wantFault(t, err, fault.Filesystem, path, "cannot be read: too many levels of symbolic links")
	err = unreadable("/", &os.PathError{Op: "open", Path: "/", Err: syscall.EACCES})
	wantFault(t, err, fault.Filesystem, "permission denied (mode d", "chmod u+r /")
}

// TestDirectoryOfOthers opens the directory of profiles.ini to others, who could replace the file.
func TestDirectoryOfOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode os.FileMode
		old  string
		ok   bool
	}{
		"own":            {0o755, "[x]\n", true},
		"group's":        {0o775, "[x]\n", false},
		"everybody's":    {0o777, "[x]\n", false},
		"nothing there":  {0o777, "", false},
		"nothing in own": {0o700, "", true},
	} {
		dir := t.TempDir()
		paths := Paths{Own: filepath.Join(dir, "profiles.ini")}
		if test.old != "" {
			if err := os.WriteFile(paths.Own, []byte(test.old), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir, test.mode); err != nil {
			t.Fatal(err)
		}
		refused := func(err error) bool {
			return fault.KindOf(err) == fault.Permissions && strings.Contains(fault.Remedy(err), "chmod go-w "+dir)
		}
		if _, err := Load(paths); (err == nil) != (test.ok || test.old == "") || err != nil && !refused(err) {
			t.Errorf("%s: Load: %v", name, err)
		}
		_, err := editor(paths).Update(t.Context(), "y", func(o *Own) error { o.Store = "age"; return nil })
		if (err == nil) != test.ok || err != nil && !refused(err) {
			t.Errorf("%s: Update: %v", name, err)
		}
	}
}
