package agefile

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// onDisk returns a store on a tmpfs of its own, with the item "a" in it.
func onDisk(t *testing.T, options string) *Store {
	t.Helper()
	disk := t.TempDir()
	err := syscall.Mount("tmpfs", disk, "tmpfs", 0, options)
	if err != nil && os.Getenv("CI") == "true" && os.Geteuid() == 0 {
		t.Fatal("cannot mount a tmpfs:", err)
	}
	if err != nil {
		t.Skip("cannot mount a tmpfs, run as root:", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	s := at(filepath.Join(disk, "age"))
	put(t, s, "a", canary)
	return s
}

// wantNoHarm checks that on a disk that takes nothing all is as it was before.
func wantNoHarm(t *testing.T, s *Store) {
	t.Helper()
	before := strings.Join(fileNames(t, s.Dir), " ")
	long := secret(strings.Repeat("x", MaxItem))
	for what, err := range map[string]error{
		"Put":       s.Put(t.Context(), "a", long),
		"Put new":   s.Put(t.Context(), "b", long),
		"Rekey":     s.Rekey(t.Context(), Protection{}),
		"seal":      s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase)}),
		"elsewhere": at(filepath.Join(filepath.Dir(s.Dir), "other")).Put(t.Context(), "a", long),
	} {
		if fault.KindOf(err) != fault.Filesystem {
			t.Errorf("%s = %v", what, err)
		}
	}
	if after := strings.Join(fileNames(t, s.Dir), " "); after != before {
		t.Errorf("the directory holds %q, and %q before", after, before)
	}
	wantSecret(t, s, "a", canary)
}

// fill leaves no byte free.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	must(t, err)
	defer f.Close()
	if _, err := io.Copy(f, strings.NewReader(strings.Repeat("x", 1<<20))); err == nil {
		t.Fatal("the disk is not full")
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := onDisk(t, "size=64k")
	fill(t, filepath.Dir(s.Dir))
	wantNoHarm(t, s)
}

func TestNoInodes(t *testing.T) {
	t.Parallel()
	s := onDisk(t, "nr_inodes=32")
	for i := range 32 {
		_ = os.WriteFile(filepath.Join(filepath.Dir(s.Dir), "filler"+strconv.Itoa(i)), nil, 0o600)
	}
	wantNoHarm(t, s)
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	s := onDisk(t, "size=64k")
	must(t, terminal.ReadOnly(filepath.Dir(s.Dir)))
	wantNoHarm(t, s)
	wantFault(t, s.Delete(t.Context(), "a"), fault.Filesystem)
	must(t, s.Delete(t.Context(), "none"))
}
