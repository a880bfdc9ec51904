// Package tiny is what the test of test/run runs.
package tiny

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPasses(t *testing.T) {
	if err := os.WriteFile(filepath.Join(os.TempDir(), "forgotten"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if dir := t.TempDir(); !strings.HasPrefix(dir, os.TempDir()) {
		t.Error(dir + " is outside")
	}
}

func TestSkips(t *testing.T) { t.Skip("SKIPPED: the moon is missing") }

func TestFails(t *testing.T) { t.Error("as it should") }
