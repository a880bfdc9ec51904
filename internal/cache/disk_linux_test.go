package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// smallDisk returns a cache on a tmpfs of its own, with the session "a" in it.
func smallDisk(t *testing.T, options string) *Cache {
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
	c := openCache(t, testOptions(filepath.Join(disk, "cache")))
	put(t, c, id("a"), session("a"))
	return c
}

// wantSpare checks that a spare place does all that the disk of c does not.
func wantSpare(t *testing.T, c *Cache) {
	t.Helper()
	o := testOptions(c.Dir)
	o.Spare = []string{"/proc/nowhere", filepath.Join(t.TempDir(), "spare")}
	first, second := openCache(t, o), openCache(t, o)
	put(t, first, id("b"), session("b"))
	put(t, first, id("a"), session("c")) // newer than that on the disk
	r, clock := someRecord(), someClock()
	if err := errors.Join(first.Scope("device").Save(r), first.SaveClock("aws", clock)); err != nil {
		t.Fatal(err)
	}
	unlock, held, err := first.Scope("device").TryLock()
	if err != nil || !held {
		t.Fatal(held, err)
	}
	defer unlock()
	if _, held, err := second.Scope("device").TryLock(); held || err != nil {
		t.Errorf("the lock was taken twice: %v", err)
	}
	wantHit(t, second, id("a"), session("c"))
	wantHit(t, second, id("b"), session("b"))
	if got := second.Scope("device").Load(); len(got.Sent) != len(r.Sent) || second.LoadClock("aws") != clock {
		t.Errorf("record and clock: %+v, %+v", got, second.LoadClock("aws"))
	}
	wantMode(t, o.Spare[1], 0o700)
}

// wantNoHarm checks that a disk which takes nothing costs nothing but the cache.
func wantNoHarm(t *testing.T, c *Cache) {
	t.Helper()
	for _, target := range []string{id("a"), id("b")} {
		if err := c.Put(target, session("b")); fault.KindOf(err) != fault.Filesystem {
			t.Errorf("Put = %v", err)
		}
	}
	wantHit(t, c, id("a"), session("a"))
	wantMiss(t, c, id("b"), "no room for it")
	scope := c.Scope("device")
	if err := scope.Save(someRecord()); fault.KindOf(err) != fault.Filesystem {
		t.Errorf("Save = %v", err)
	}
	unlock, held, err := scope.TryLock()
	if err != nil || !held {
		t.Fatalf("TryLock = %v, %v", held, err)
	}
	unlock()
	for _, name := range names(t, c.Dir) {
		if strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s is left over", name)
		}
	}
	wantSpare(t, c)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	c := smallDisk(t, "size=64k")
	_ = os.WriteFile(filepath.Join(c.Dir, "filler"), make([]byte, 1<<20), 0o600)
	wantNoHarm(t, c)
}

func TestNoInodes(t *testing.T) {
	t.Parallel()
	c := smallDisk(t, "nr_inodes=32")
	for i := range 32 {
		_ = os.WriteFile(filepath.Join(c.Dir, "filler"+string(rune('a'+i))), nil, 0o600)
	}
	wantNoHarm(t, c)
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	c := smallDisk(t, "size=64k")
	if err := terminal.ReadOnly(filepath.Dir(c.Dir)); err != nil {
		t.Fatal(err)
	}
	wantNoHarm(t, c)
	run(t, "read-only", c.Dir)
}
