package cache

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestInFile(t *testing.T) {
	t.Parallel()
	s := StoredKey{Name: "aws-mfa-creds-test-" + rand.Text(), Dir: t.TempDir(), Rand: rand.Reader}
	t.Cleanup(func() { _ = s.kernel().Remove() })
	want := func(when string, inFile bool) {
		t.Helper()
		if err := s.InFile(); (err != nil) != inFile {
			t.Errorf("%s: %v", when, err)
		}
	}
	want("before", false)
	path := filepath.Join(s.Dir, keyFileName)
	if err := os.WriteFile(path, make([]byte, keySize), 0o600); err != nil {
		t.Fatal(err)
	}
	want("with a file", true)
	if err := os.Truncate(path, 1); err != nil {
		t.Fatal(err)
	}
	want("with a damaged file", false)
	if runtime.GOOS != "linux" || s.kernel().Create(make([]byte, keySize)) != nil {
		return // no kernel keyring here
	}
	want("with a key in the kernel", false)
}
