//go:build unix

package test

import (
	"path/filepath"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// bare returns a machine whose environment holds no secrets: they are in the files key and seed.
func bare(t *testing.T) (b *testbed.Bed, key, seed string) {
	t.Helper()
	b = bed(t, testbed.Options{Bare: true})
	id := b.Identity()
	key, seed = filepath.Join(b.Dir, "secrets", "key"), filepath.Join(b.Dir, "secrets", "seed")
	writeFile(t, key, id.AccessKeyID+" "+id.SecretAccessKey+"\n")
	writeFile(t, seed, id.Seed+"\n")
	return b, key, seed
}

// mustRun runs the program and returns what it printed on stdout.
func mustRun(t *testing.T, b *testbed.Bed, env []string, args ...string) string {
	t.Helper()
	got := run(t, b, env, b.Binary, args...)
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("%v: exit %d: %s%s", args, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}
