package securefile

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// mount mounts a tmpfs for the test. That needs root, which CI has.
func mount(t *testing.T, path, options string) {
	t.Helper()
	err := syscall.Mount("tmpfs", path, "tmpfs", 0, options)
	if err != nil && os.Getenv("CI") == "true" && os.Geteuid() == 0 {
		t.Fatal("cannot mount a tmpfs:", err)
	}
	if err != nil {
		t.Skip("cannot mount a tmpfs, run as root:", err)
	}
	t.Cleanup(func() { syscall.Unmount(path, syscall.MNT_DETACH) })
}

func TestFullDiskKeepsTheOld(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	mount(t, path, "size=64k")
	dir, _ := openPath(t, path)
	old := string(bytes.Repeat([]byte("o"), 20_000))
	if err := dir.Write("file", []byte(old), Options{}); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Durable: true}} {
		if err := dir.Write("file", make([]byte, 100_000), o); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Write = %v", err)
		}
		if err := dir.Create("new", make([]byte, 100_000), o); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Create = %v", err)
		}
		if err := dir.createInPlace("new", make([]byte, 100_000), o); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("createInPlace = %v", err)
		}
	}
	if content(t, path, "file") != old {
		t.Error("the old content is gone")
	}
	only(t, path, "file")
}

func TestNoInodesKeepsTheOld(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	mount(t, path, "nr_inodes=2")
	dir, _ := openPath(t, path)
	if err := dir.Write("file", []byte("old"), Options{}); err != nil {
		t.Fatal(err)
	}
	if err := dir.Write("file", []byte("new"), Options{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write = %v", err)
	}
	if content(t, path, "file") != "old" {
		t.Error("the old content is gone")
	}
}

func TestReadOnlyDiskKeepsTheOld(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	mount(t, path, "size=64k")
	dir, _ := openPath(t, path)
	if err := dir.Write("file", []byte("old"), Options{}); err != nil {
		t.Fatal(err)
	}
	if err := terminal.ReadOnly(path); err != nil {
		t.Fatal(err)
	}
	if err := dir.Write("file", []byte("new"), Options{Durable: true}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Write = %v", err)
	}
	if content(t, path, "file") != "old" {
		t.Error("the old content is gone")
	}
}

// TestUserNamespace reads a file of root's in a user namespace that has only one user, where root shows as
// nobody.
func TestUserNamespace(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/proc/self/exe") // whose path may be closed to the user
	cmd.Env = append(os.Environ(), roleVar+"=reader")
	cmd.Dir = "/"
	user, group := os.Geteuid(), os.Getegid()
	if user == 0 {
		user, group = stranger, stranger
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: user, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: group, Size: 1}},
		Credential:  &syscall.Credential{NoSetGroups: true},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Skip("SKIPPED: this machine allows no user namespaces: ", err)
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		t.Error(text)
	}
}
