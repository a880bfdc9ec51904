//go:build !windows

package cache

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSpareIsSharedWithWhoNeedsIt has a process whose directory works, and one that has none: once the
// spare place exists, both agree on lock, record and session.
func TestSpareIsSharedWithWhoNeedsIt(t *testing.T) {
	t.Parallel()
	healthy := testOptions(filepath.Join(t.TempDir(), "cache"))
	homeless := testOptions("")
	healthy.Spare = []string{filepath.Join(t.TempDir(), "spare")}
	homeless.Spare = healthy.Spare
	a, b := openCache(t, healthy), openCache(t, homeless)
	put(t, a, id("a"), session("a"))
	if _, err := os.Stat(healthy.Spare[0]); !os.IsNotExist(err) {
		t.Error("a spare place was made without need")
	}
	for _, pair := range [][2]*Cache{{b, a}, {a, b}, {b, a}} {
		put(t, pair[0], id("b"), session("b"))
		unlock, held, err := pair[0].Scope("device").TryLock()
		if err != nil || !held {
			t.Fatal(held, err)
		}
		if err := pair[0].Scope("device").Save(someRecord()); err != nil {
			t.Fatal(err)
		}
		if _, held, err := pair[1].Scope("device").TryLock(); held || err != nil {
			t.Errorf("the lock was taken twice: %v", err)
		}
		unlock()
		wantHit(t, pair[1], id("b"), session("b"))
		if got := pair[1].Scope("device").Load(); len(got.Sent) != len(someRecord().Sent) {
			t.Errorf("record: %+v", got)
		}
	}
	if n, err := a.Clear(); n == 0 || err != nil {
		t.Errorf("Clear = %d, %v", n, err)
	}
	wantMiss(t, b, id("b"), "cleared")
}

// TestUnsafeSpare has somebody prepare a spare place: it is not used, nor a reason to fail.
func TestUnsafeSpare(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(path string) error{
		"open to others": func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o755)) },
		"stranger's":     func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, stranger, stranger)) },
		"stranger's symlink": func(path string) error {
			return errors.Join(os.Chmod(filepath.Dir(path), 0o777|os.ModeSticky), os.Mkdir(path+"2", 0o700), os.Symlink(path+"2", path), os.Lchown(path, stranger, stranger))
		},
		"file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"in a directory that others can write to": func(path string) error { return os.Chmod(filepath.Dir(path), 0o777) },
		"in a stranger's directory":               func(path string) error { return os.Chown(filepath.Dir(path), stranger, stranger) },
		"in a directory that is missing":          func(path string) error { return os.Remove(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(name, "stranger") {
				needRoot(t)
			}
			o := testOptions("")
			o.Spare = []string{filepath.Join(t.TempDir(), "spare"), filepath.Join(t.TempDir(), "good")}
			if err := prepare(o.Spare[0]); err != nil {
				t.Fatal(err)
			}
			c := openCache(t, o)
			put(t, c, id("a"), session("a"))
			wantHit(t, openCache(t, o), id("a"), session("a"))
			if files, _ := filepath.Glob(filepath.Join(o.Spare[0], "*")); len(files) != 0 {
				t.Errorf("used: %v", files)
			}
		})
	}
}

// TestSharedDirectoryWithStickyBit has the spare place in a directory such as /dev/shm.
func TestSharedDirectoryWithStickyBit(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	if err := os.Chmod(shared, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	o := testOptions("")
	o.Spare = []string{filepath.Join(shared, "spare")}
	put(t, openCache(t, o), id("a"), session("a"))
	wantMode(t, o.Spare[0], 0o700)
}

// TestRemovedAgainAndAgain removes the directory, and has others make it anew, while the lock is held:
// only the first removal frees it.
func TestRemovedAgainAndAgain(t *testing.T) {
	t.Parallel()
	o := testOptions(filepath.Join(t.TempDir(), "cache"))
	o.Spare = []string{filepath.Join(t.TempDir(), "spare")}
	put(t, openCache(t, o), id("a"), session("a"))
	waiting := openCache(t, o)
	taken := 0
	try := func(c *Cache) {
		t.Helper()
		unlock, held, err := c.Scope("device").TryLock()
		if err != nil {
			t.Fatal(err)
		}
		if held {
			taken++
			t.Cleanup(unlock)
		}
	}
	for i := range 10 {
		if i > 0 && len(waiting.Scope("device").Load().Sent) != 1 {
			t.Error("a code that was sent now may be sent again")
		}
		try(openCache(t, o))
		if err := os.RemoveAll(o.Dir); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			if err := os.Mkdir(o.Dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if taken < 2 {
			try(waiting)
		}
	}
	if taken > 2 {
		t.Errorf("taken %d times", taken)
	}
}

// TestSpareNames compares what processes of one user see that have different environments.
func TestSpareNames(t *testing.T) {
	t.Parallel()
	env := func(vars map[string]string) func(string) string {
		return func(name string) string { return vars[name] }
	}
	login := Spare("/home/a/.cache/aws-mfa-creds", env(map[string]string{"XDG_RUNTIME_DIR": "/run/mine", "TMPDIR": "relative"}))
	cron := Spare("/home/a/.cache/aws-mfa-creds", env(nil))
	if len(login) != 4 || len(cron) != 3 || login[0] != cron[0] || login[1] != cron[1] {
		t.Errorf("%q, %q", login, cron)
	}
	if other := Spare("/home/b", env(nil)); other[0] == cron[0] {
		t.Error("two homes share a place")
	}
}

// TestSealingKeyInASparePlace has no kernel keyring, and a directory of the settings that takes no key.
func TestSealingKeyInASparePlace(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir string) error{
		"a file in its place": func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"no place":            func(string) error { return nil },
		"open to others":      func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777)) },
		"a directory in the key's place": func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, keyFileName, "full"), 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := StoredKey{Name: "\x00", Dir: filepath.Join(t.TempDir(), "config"), Spare: []string{filepath.Join(t.TempDir(), "spare")}, Rand: rand.Reader}
			if name == "no place" {
				s.Dir = ""
			}
			if err := spoil(s.Dir); err != nil {
				t.Fatal(err)
			}
			made, err := s.Create()
			if err != nil {
				t.Fatal(err)
			}
			again, err := s.Create()
			read, failed := s.Read()
			if err := errors.Join(err, failed); err != nil || again.Name("x") != made.Name("x") || read.Name("x") != made.Name("x") {
				t.Errorf("not the same key: %v", err)
			}
			wantMode(t, filepath.Join(s.Spare[0], keyFileName), 0o600)
		})
	}
}

// TestSealingKeyBehindALink has the directory of the settings be one's own symbolic link, as Stow makes it.
func TestSealingKeyBehindALink(t *testing.T) {
	t.Parallel()
	s := StoredKey{Name: "\x00", Dir: filepath.Join(t.TempDir(), "config"), Rand: rand.Reader}
	if err := os.Symlink(t.TempDir(), s.Dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(); err != nil {
		t.Fatal(err)
	}
	wantMode(t, filepath.Join(s.Dir, keyFileName), 0o600)
	if s.InFile() == nil {
		t.Error("not in the file")
	}
}
