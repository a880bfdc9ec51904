package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
)

func testKey() Key {
	return DeriveKey(creds.NewSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), creds.NewSecret("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
}

func always(k Key) KeySource { return KeyFunc(func() (Key, error) { return k, nil }) }

func testOptions(dir string) Options {
	return Options{Dir: dir, Keys: always(testKey()), Now: time.Now}
}

func openCache(t testing.TB, o Options) *Cache {
	t.Helper()
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		keys.Remove(ClaimsIn(o.Dir))
		c.Close()
	})
	return c
}

// newCache returns a cache in a directory that does not exist yet.
func newCache(t testing.TB) *Cache {
	t.Helper()
	return openCache(t, testOptions(filepath.Join(t.TempDir(), "cache")))
}

// id returns a session id as callers make them.
func id(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// session returns a session that shows by itself whether it is whole.
func session(letter string) creds.Session {
	return creds.Session{
		Credentials: creds.Credentials{
			AccessKeyID:     "ASIA" + strings.Repeat(letter, 16),
			SecretAccessKey: creds.NewSecret(strings.Repeat(letter, 40)),
			SessionToken:    creds.NewSecret(strings.Repeat(letter, 700)),
			Expiration:      time.Date(2026, 11, 24, 7, 55, 5, 0, time.UTC),
		},
		Minted: time.Date(2026, 11, 23, 19, 55, 5, 0, time.UTC),
	}
}

func put(t testing.TB, c *Cache, id string, s creds.Session) {
	t.Helper()
	if err := c.Put(id, s); err != nil {
		t.Fatal(err)
	}
}

func wantHit(t testing.TB, c *Cache, id string, want creds.Session) {
	t.Helper()
	got, ok := c.Get(id)
	if !ok || !reflect.DeepEqual(reveal(got), reveal(want)) {
		t.Errorf("Get = %v, %v; want the session", got, ok)
	}
}

func wantMiss(t testing.TB, c *Cache, id, why string) {
	t.Helper()
	if got, ok := c.Get(id); ok || !got.Credentials.SecretAccessKey.IsZero() {
		t.Errorf("%s: Get = %v, %v; want a miss", why, got, ok)
	}
}

func reveal(s creds.Session) []any {
	c := s.Credentials
	return []any{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Expiration, s.Minted}
}

// entryPath returns where the session id of the test key is kept.
func entryPath(c *Cache, id string) string {
	return filepath.Join(c.Dir, testKey().Name(id)+sessionSuffix)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// names returns the names in a directory.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// holdsInClear fails if any file below dir, or its name, shows one of the texts.
func holdsInClear(t testing.TB, dir string, texts ...string) {
	t.Helper()
	for _, name := range names(t, dir) {
		data := readFile(t, filepath.Join(dir, name))
		for _, text := range texts {
			if bytes.Contains(data, []byte(text)) || strings.Contains(name, text) {
				t.Errorf("%s shows %q", name, text)
			}
		}
	}
}
