package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// cacheless returns a machine whose own directory is a disk of its own, which breaks has let down.
func cacheless(t *testing.T, options string, breaks func(b *testbed.Bed) error) *testbed.Bed {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root, to mount a disk", "sudo go test")
	}
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 500 * time.Millisecond}})
	if err := syscall.Mount("tmpfs", b.Own(), "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(b.Own(), syscall.MNT_DETACH) })
	noSpare(t, b)
	if err := breaks(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStormWithoutACache has many processes ask at once where nothing can be written to the cache: they
// still share one session, and one more get does not ask AWS.
func TestStormWithoutACache(t *testing.T) {
	const crowd = 50
	fill := func(b *testbed.Bed) error {
		_ = os.WriteFile(filepath.Join(b.Own(), "filler"), make([]byte, 1<<20), 0o600)
		return nil
	}
	for name, test := range map[string]struct {
		disk   string
		breaks func(b *testbed.Bed) error
	}{
		"read-only": {"size=64k", func(b *testbed.Bed) error { return terminal.ReadOnly(b.Own()) }},
		"full":      {"size=64k", fill},
		"full later": {"size=64k", func(b *testbed.Bed) error {
			mustGet(t, b, "--duration", "1h") // makes the directory, its locks and records
			return fill(b)
		}},
		"inode-less":          {"nr_inodes=2", func(b *testbed.Bed) error { return os.WriteFile(filepath.Join(b.Own(), "filler"), nil, 0o600) }},
		"a file in its place": {"size=64k", func(b *testbed.Bed) error { return os.WriteFile(filepath.Join(b.Own(), "cache"), nil, 0o600) }},
	} {
		t.Run(name, func(t *testing.T) {
			b := cacheless(t, test.disk, test.breaks)
			before := calls(b, "GetSessionToken")
			wantSameSession(t, start(t, b, crowd)())
			mustGet(t, b)
			if n := calls(b, "GetSessionToken") - before; n != 1 {
				t.Errorf("%d calls", n)
			}
			list := run(t, b, nil, b.Binary, "list")
			if !strings.Contains(list.stdout, "base session  in 1") {
				t.Errorf("list: %s", list.stdout)
			}
		})
	}
}
