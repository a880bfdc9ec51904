package edit

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// TestReadOnlyDirectory needs a user whom modes hinder.
func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	paths := newPaths(t)
	dir := filepath.Dir(paths.Own)
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(paths.Own, []byte("[x]\nstore = a\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	remedy := "look at the permissions"
	if os.Geteuid() == 0 {
		if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
			t.Skip("cannot mount:", err)
		}
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	} else {
		remedy = "make it writable: chmod u+w " + dir
		t.Cleanup(func() { os.Chmod(dir, 0o700) })
	}
	_, err := editor(paths).Update(t.Context(), "x", setStore("age"))
	wantFault(t, err, fault.Filesystem, paths.Own, "cannot be written", remedy)
	if got := files(t, paths.Own); !slices.Equal(got, []string{"profiles.ini"}) || text(t, paths.Own) != "[x]\nstore = a\n" {
		t.Errorf("files are %q", got)
	}
	c, err := editor(paths).Update(t.Context(), "x", setStore("a"))
	if err != nil || c.Changed {
		t.Errorf("what is already so: %v, %v", c.Changed, err)
	}
}
