package atomicfile

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := time.Now().Add(-2 * time.Hour)
	for name, stale := range map[string]bool{
		".aws-mfa-creds-0123456789abcdef.tmp": true, ".aws-mfa-creds-fedcba9876543210.tmp": false, "other.tmp": true, ".aws-mfa-creds-x.tmp": true,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if stale {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	before := time.Now().Add(-Abandoned)
	got, err := Left(root, before)
	if want := []string{".aws-mfa-creds-0123456789abcdef.tmp"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Left = %q, %v", got, err)
	}
	if err := Sweep(root, before); err != nil {
		t.Fatal(err)
	}
	if got, err = Left(root, before); err != nil || len(got) != 0 {
		t.Errorf("after Sweep: Left = %q, %v", got, err)
	}
}
