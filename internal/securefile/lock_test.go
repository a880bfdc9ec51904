package securefile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func mustTry(t *testing.T, d *Dir, share Share, want bool) (unlock func()) {
	t.Helper()
	unlock, held, err := d.TryLock("lock", share)
	if err != nil || held != want {
		t.Fatalf("TryLock = %v, %v; want %v", held, err, want)
	}
	return unlock
}

func TestTryLock(t *testing.T) {
	t.Parallel()
	a, path := newDir(t)
	b, _ := openPath(t, path)
	unlock := mustTry(t, a, Alone, true)
	mustTry(t, a, Alone, false) // nor in the same process
	mustTry(t, b, Alone, false)
	mustTry(t, b, Shared, false)
	unlock()
	first, second := mustTry(t, a, Shared, true), mustTry(t, b, Shared, true)
	mustTry(t, b, Alone, false)
	first()
	mustTry(t, b, Alone, false)
	second()
	mustTry(t, b, Alone, true)()
	only(t, path, "lock")
	if content(t, path, "lock") != "" {
		t.Error("the lock file is not empty")
	}
}

func TestLockWaits(t *testing.T) {
	t.Parallel()
	d, _ := newDir(t)
	unlock := mustTry(t, d, Alone, true)
	reason := errors.New("long enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, reason)
	defer cancel()
	if _, err := d.Lock(ctx, "lock", Alone); !errors.Is(err, reason) {
		t.Errorf("Lock = %v", err)
	}
	time.AfterFunc(30*time.Millisecond, unlock)
	unlock, err := d.Lock(t.Context(), "lock", Alone)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// TestLockFileIsRemoved has somebody remove the lock file or the directory, over and over: at no
// time do two hold the lock that other processes find.
func TestLockFileIsRemoved(t *testing.T) {
	t.Parallel()
	d, path := newDir(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				unlock, err := d.Lock(t.Context(), "lock", Alone)
				if err != nil {
					t.Error(err)
					return
				}
				os.Remove(filepath.Join(path, "lock")) // now the others lock a new one
				unlock()
			}
		})
	}
	wg.Wait()
}

func TestLockInADirectoryThatIsGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dir")
	d, err := MakeDir(path, Open)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	mustTry(t, d, Alone, true)()
	if err := os.RemoveAll(path); err != nil {
		t.Skip("an open directory cannot be removed here:", err)
	}
	gone := func(what string) {
		if _, held, err := d.TryLock("lock", Alone); held || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: TryLock = %v, %v", what, held, err)
		}
	}
	gone("removed")
	again, err := MakeDir(path, Open)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	gone("made anew")
	mustTry(t, again, Alone, true)()
	if err := os.Rename(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	if _, held, err := again.TryLock("lock", Alone); held || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("moved: TryLock = %v, %v", held, err)
	}
}
