//go:build !windows

package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

func someClock() rules.Clock {
	return rules.Clock{Skew: time.Hour, Measured: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func TestOpenRefusesWhatOthersGetAt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil  func(t *testing.T, dir string) error
		remedy string
	}{
		"0755":     {func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o755) }, "run: chmod 700 "},
		"0710":     {func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o710) }, "run: chmod 700 "},
		"0701":     {func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o701) }, "run: chmod 700 "},
		"01777":    {func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o777|os.ModeSticky) }, "run: chmod 700 "},
		"stranger": {func(t *testing.T, dir string) error { needRoot(t); return os.Chown(dir, stranger, stranger) }, "run it as that user"},
		"a stranger's, by a link": {func(t *testing.T, dir string) error {
			needRoot(t)
			return errors.Join(toLink(dir), os.Chown(dir, stranger, stranger))
		}, "run it as that user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			put(t, c, id("a"), session("a"))
			if err := test.spoil(t, c.Dir); err != nil {
				t.Fatal(err)
			}
			_, err := Open(testOptions(c.Dir))
			if fault.KindOf(err) != fault.Permissions || !strings.Contains(fault.Remedy(err), test.remedy) ||
				!strings.HasPrefix(fault.Text(err), c.Dir+": ") {
				t.Errorf("Open = %v; %s", err, fault.Remedy(err))
			}
		})
	}
}

// toLink puts a symbolic link to the directory in its own place.
func toLink(dir string) error {
	return errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
}

// TestMadeUnsafeWhileOpen has the directory appear, unsafe, after Open saw none.
func TestMadeUnsafeWhileOpen(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(c.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := c.Put(id("a"), session("a")); fault.KindOf(err) != fault.Permissions {
		t.Errorf("Put = %v", err)
	}
	if _, held, err := c.Scope("device").TryLock(); held || fault.KindOf(err) != fault.Permissions {
		t.Errorf("TryLock = %v, %v", held, err)
	}
	if n := len(names(t, c.Dir)); n != 0 {
		t.Errorf("%d files written", n)
	}
}

// TestUnusableDirectoryFailsNothing has something in the way of the directory.
func TestUnusableDirectoryFailsNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil)
	for _, dir := range []string{file, filepath.Join(file, "cache"), "/proc/nowhere", "/dev/full", "/dev/full/cache", strings.Repeat("x", 300), "\x00"} {
		c := openCache(t, testOptions(dir))
		wantMiss(t, c, id("a"), dir)
		if err := c.Put(id("a"), session("a")); fault.KindOf(err) != fault.Filesystem {
			t.Errorf("%q: Put = %v", dir, err)
		}
		if err := c.Scope("device").Save(someRecord()); fault.KindOf(err) != fault.Filesystem {
			t.Errorf("%q: Save = %v", dir, err)
		}
		unlock, held, err := c.Scope("device").TryLock()
		if err != nil || !held {
			t.Fatalf("%q: TryLock = %v, %v", dir, held, err)
		}
		unlock()
		if n, err := c.Clear(); n != 0 || err != nil {
			t.Errorf("%q: Clear = %d, %v", dir, n, err)
		}
		if err := errors.Join(c.Remove(id("a")), c.SaveClock("aws", rules.Clock{})); err != nil {
			t.Errorf("%q: %v", dir, err)
		}
		c.Close()
	}
}

// TestForeignFilesMiss puts something else in the place of an entry, of a record and of a
// clock.
func TestForeignFilesMiss(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		swap  func(path string) error
		heals bool
	}{
		"link within": {func(path string) error {
			return errors.Join(os.Rename(path, path+"2"), os.Symlink(filepath.Base(path)+"2", path))
		}, true},
		"link out":     {func(path string) error { return linkOut(path) }, true},
		"dangling":     {func(path string) error { return errors.Join(os.Remove(path), os.Symlink("nowhere", path)) }, true},
		"link to self": {func(path string) error { return errors.Join(os.Remove(path), os.Symlink(filepath.Base(path), path)) }, true},
		"link to tty":  {func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/dev/zero", path)) }, true},
		"pipe":         {func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }, true},
		"directory":    {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, false},
		"mode 0640":    {func(path string) error { return os.Chmod(path, 0o640) }, true},
		"mode 0604":    {func(path string) error { return os.Chmod(path, 0o604) }, true},
		"mode 0620":    {func(path string) error { return os.Chmod(path, 0o620) }, true},
		"empty":        {func(path string) error { return os.Truncate(path, 0) }, true},
		"sparse giant": {func(path string) error { return os.Truncate(path, 1<<40) }, true},
		"stranger's":   {func(path string) error { return os.Chown(path, stranger, stranger) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "stranger's" {
				needRoot(t)
			}
			c := newCache(t)
			scope := c.Scope("device")
			store := func() error {
				return errors.Join(c.Put(id("a"), session("a")), scope.Save(someRecord()), c.SaveClock("aws", someClock()))
			}
			if err := store(); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{entryPath(c, id("a")), filepath.Join(c.Dir, scope.file+".device"), filepath.Join(c.Dir, hashed("aws")+".clock")} {
				if err := test.swap(path); err != nil {
					t.Fatal(err)
				}
			}
			wantMiss(t, c, id("a"), name)
			if got := scope.Load(); len(got.Sent) != 0 || len(got.Failures) != 0 {
				t.Errorf("Load = %+v", got)
			}
			if got := c.LoadClock("aws"); !got.IsZero() {
				t.Errorf("LoadClock = %+v", got)
			}
			if err := store(); (err == nil) != test.heals {
				t.Errorf("stored again: %v", err)
			}
			if test.heals {
				wantHit(t, c, id("a"), session("a"))
				wantMode(t, entryPath(c, id("a")), 0o600)
			}
		})
	}
}

func linkOut(path string) error {
	outside := filepath.Join(filepath.Dir(filepath.Dir(path)), "outside-"+filepath.Base(path))
	return errors.Join(os.Rename(path, outside), os.Symlink(outside, path))
}

func TestStrangeLockFilesDoNotStopUs(t *testing.T) {
	t.Parallel()
	for name, swap := range map[string]func(path string) error{
		"link":      func(path string) error { return os.Symlink("nowhere", path) },
		"link out":  func(path string) error { return os.Symlink("/dev/null", path) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		c := newCache(t)
		put(t, c, id("a"), session("a"))
		scope := c.Scope("device")
		if err := swap(filepath.Join(c.Dir, scope.lockName())); err != nil {
			t.Fatal(err)
		}
		unlock, held, err := scope.TryLock()
		if err != nil || !held {
			t.Fatalf("%s: TryLock = %v, %v", name, held, err)
		}
		unlock()
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	needRoot(t) // who is not hindered by modes, so a stranger has to do it
	home := strangersHome(t)
	if err := errors.Join(os.Chown(home, 0, 0), os.Chmod(home, 0o755)); err != nil {
		t.Fatal(err)
	}
	c := openCache(t, testOptions(filepath.Join(home, "cache")))
	put(t, c, id("a"), session("a"))
	for _, name := range names(t, c.Dir) {
		if err := os.Chown(filepath.Join(c.Dir, name), stranger, stranger); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chown(c.Dir, stranger, stranger), os.Chmod(c.Dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	dir := c.Dir
	run(t, "read-only", dir, uidVar+"=54321")
}
