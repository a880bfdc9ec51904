//go:build !windows

package cache

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// createAtOnce has processes be the first at the same time, and returns what they say.
func createAtOnce(t *testing.T, dir string, n int, env ...string) []string {
	t.Helper()
	said := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			out, err := child("create key", dir, env...).CombinedOutput()
			if err != nil {
				t.Errorf("process %d: %v: %s", i, err, out)
			}
			said[i] = string(out)
		})
	}
	wg.Wait()
	slices.Sort(said)
	return slices.Compact(said)
}

func TestFiftyProcessesAgreeOnTheKeyFile(t *testing.T) {
	t.Parallel()
	env := []string{keyVar + "=unused", blockVar + "=" + strconv.Itoa(int(syscall.EPERM))}
	dir := filepath.Join(t.TempDir(), "cache")
	said := createAtOnce(t, dir, 50, env...)
	if len(said) != 1 || run(t, "read key", dir, env...) != said[0] {
		t.Errorf("they disagree: %q", said)
	}
}

func TestKeyFileOfTheWrongKindIsNotUsed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"readable": func(path string) error { return os.Chmod(path, 0o644) },
		"short":    func(path string) error { return os.Truncate(path, keySize-1) },
		"long":     func(path string) error { return os.Truncate(path, keySize+1) },
		"empty":    func(path string) error { return os.Truncate(path, 0) },
		"link":     linkOut,
		"pipe":     func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
		"stranger's": func(path string) error {
			if os.Geteuid() != 0 {
				return os.Remove(path)
			}
			return os.Chown(path, stranger, stranger)
		},
	} {
		f := keyFile{filepath.Join(t.TempDir(), "config"), securefile.MakeDir}
		if _, err := f.read(); !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: read of none = %v", name, err)
		}
		first, err := f.create([]byte(strings.Repeat("1", keySize)))
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := f.create([]byte(strings.Repeat("2", keySize))); err != nil || string(kept) != string(first) {
			t.Errorf("%s: a second key, %v", name, err)
		}
		path := filepath.Join(f.dir, keyFileName)
		if err := spoil(path); err != nil {
			t.Fatal(err)
		}
		if got, err := f.read(); err == nil {
			t.Errorf("%s: read %q", name, got)
		}
		fresh, err := f.create([]byte(strings.Repeat("3", keySize)))
		if err != nil || fresh[0] != '3' {
			t.Errorf("%s: not replaced: %q, %v", name, fresh, err)
		}
		wantMode(t, path, 0o600)
	}
}

func TestKeyFileDirectory(t *testing.T) {
	t.Parallel()
	for mode, kind := range map[os.FileMode]fault.Kind{0o755: 0, 0o700: 0, 0o775: fault.Permissions, 0o777: fault.Permissions} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		_, err := keyFile{dir, securefile.MakeDir}.create(make([]byte, keySize))
		if kind == 0 && err != nil || kind != 0 && fault.KindOf(err) != kind {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}
