package cache

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestPlace(t *testing.T) {
	t.Parallel()
	s := StoredKey{Name: "aws-mfa-creds-test-" + rand.Text(), Dir: t.TempDir(), Rand: rand.Reader}
	t.Cleanup(func() { _ = s.kernel().Remove() })
	want := func(when string, place Place, reason bool) {
		t.Helper()
		if got, err := s.Place(); got != place || (err != nil) != reason {
			t.Errorf("%s: %v, %v", when, got, err)
		}
	}
	want("before", Nowhere, false)
	path := filepath.Join(s.Dir, keyFileName)
	if err := os.WriteFile(path, make([]byte, keySize), 0o600); err != nil {
		t.Fatal(err)
	}
	want("with a file", InFile, true)
	if err := os.Truncate(path, 1); err != nil {
		t.Fatal(err)
	}
	want("with a damaged file", Unreadable, true)
	if runtime.GOOS != "linux" || s.kernel().Create(make([]byte, keySize)) != nil {
		return // no kernel keyring here
	}
	want("with a key in the kernel", InKernel, false)
}
