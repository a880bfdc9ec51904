//go:build linux

package test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

func sessionFiles(t *testing.T, b *testbed.Bed) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.Own(), "cache", "*.session"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestRemoveLeavesNoSession removes a profile that has sessions of an access key which it no longer has,
// and one whose get is asking AWS at this moment.
func TestRemoveLeavesNoSession(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	mustGet(t, b)
	ini := filepath.Join(b.Own(), "profiles.ini")
	text := readFile(t, ini)
	writeFile(t, ini, strings.ReplaceAll(text, b.Identity().AccessKeyID, "AKIAIOSFODNN7EXAMPLE")) // as after a rotation
	mustRun(t, b, nil, "remove", "--profile", "work", "--yes")
	if left := sessionFiles(t, b); len(left) != 0 {
		t.Errorf("left by an earlier key: %q", left)
	}

	b, key, seed = bare(t)
	addWork(t, b, key, seed, "--store", "age")
	b.Server.SetLatency(2 * time.Second)
	done := make(chan outcome)
	go func() { done <- get(t, b) }()
	eventually(t, "get claims a time step", func() bool {
		found, _ := filepath.Glob(filepath.Join(b.Own(), "cache", "*.device"))
		return len(found) > 0
	})
	mustRun(t, b, nil, "remove", "--profile", "work", "--yes")
	<-done
	if left := sessionFiles(t, b); len(left) != 0 {
		t.Errorf("left by a get meanwhile: %q", left)
	}
}
