//go:build !windows

package securefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// within fails if work takes so long that it certainly hangs.
func within(t *testing.T, what string, work func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); work() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal(what, "hangs")
	}
}

func TestNoDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, file, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(file, nil, 0o600), os.Symlink(pipe, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, file, "/dev/null"} {
		within(t, path, func() {
			for name, open := range map[string]func(string, fs.FileMode) (*Dir, error){"OpenDir": OpenDir, "MakeDir": MakeDir} {
				if _, err := open(path, Open); !errors.Is(err, syscall.ENOTDIR) {
					t.Errorf("%s(%s) = %v", name, path, err)
				}
			}
		})
	}
	within(t, link, func() {
		if _, err := OpenAnyDir(link); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("OpenAnyDir of a link to a pipe = %v", err)
		}
		if _, err := OpenDir(link, Open); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("OpenDir of a link to a pipe = %v", err)
		}
	})
	if _, err := OpenDir("", Open); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf(`OpenDir("") = %v`, err)
	}
}

// TestDirectorySwappedForAPipe swaps a directory for a named pipe and back while it is opened.
func TestDirectorySwappedForAPipe(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	path, pipe, aside := filepath.Join(base, "dir"), filepath.Join(base, "pipe"), filepath.Join(base, "aside")
	if err := errors.Join(os.Mkdir(path, 0o700), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Rename(path, aside)
			os.Rename(pipe, path)
			os.Rename(path, pipe)
			os.Rename(aside, path)
			runtime.Gosched()
		}
	})
	within(t, "OpenDir", func() {
		for range 5000 {
			if d, err := OpenDir(path, Open); err == nil {
				d.Close()
			}
		}
	})
}

func TestMakeDirWhateverTheUmask(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"000", "077", "0277", "0777"} {
		path := t.TempDir()
		if out, err := child("mkdir", path, umaskVar+"="+umask).CombinedOutput(); err != nil {
			t.Fatalf("umask %s: %v: %s", umask, err, out)
		}
		for _, made := range []string{"a", "a/b", "a/b/c"} {
			if info, err := os.Stat(filepath.Join(path, made)); err != nil || info.Mode() != fs.ModeDir|0o700 {
				t.Errorf("umask %s: %s is %v, %v", umask, made, info, err)
			}
		}
	}
}

func TestParent(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/a/b": "/a/", "/a//b//": "/a//", "/a": "/", "/": "", "a": "", "a/b": "a/", "": ""} {
		if got := parent(path); got != want {
			t.Errorf("parent(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestStrangeLockFiles(t *testing.T) {
	t.Parallel()
	for name, swap := range map[string]func(path string) error{
		"link within": func(path string) error {
			return errors.Join(os.WriteFile(path+"2", nil, 0o600), os.Symlink("lock2", path))
		},
		"link out":  func(path string) error { return os.Symlink("/dev/null", path) },
		"dangling":  func(path string) error { return os.Symlink("nowhere", path) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		d, path := newDir(t)
		if err := swap(filepath.Join(path, "lock")); err != nil {
			t.Fatal(err)
		}
		within(t, name, func() {
			if _, held, err := d.TryLock("lock", Alone); held || err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: TryLock = %v, %v", name, held, err)
			}
		})
	}
}

// lockForEver takes the lock, says so and keeps it.
func lockForEver() error {
	d, err := childDir()
	if err != nil {
		return err
	}
	if _, held, err := d.TryLock("lock", Alone); err != nil || !held {
		return fmt.Errorf("TryLock = %v, %w", held, err)
	}
	fmt.Println("held")
	time.Sleep(time.Minute)
	return nil
}

// TestKilledHolder kills a process that holds the lock.
func TestKilledHolder(t *testing.T) {
	t.Parallel()
	d, path := newDir(t)
	cmd := child("locker", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, len("held"))
	if _, err := out.Read(text); err != nil || !strings.HasPrefix(string(text), "held") {
		t.Fatalf("%q, %v", text, err)
	}
	mustTry(t, d, Alone, false)
	cmd.Process.Kill()
	cmd.Wait()
	mustTry(t, d, Alone, true)()
}

// TestReadOfAnotherDirectory puts another directory in the place of the one that was opened.
func TestReadOfAnotherDirectory(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	trail(t, base, []string{"a/", "a/f", "b/", "b/f"})
	d, err := OpenDir(base+"/a", Writable)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Read("f", 1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(base+"/a", base+"/c"), os.Rename(base+"/b", base+"/a")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Read("f", 1); !errors.Is(err, ErrUnusable) {
		t.Errorf("a file of another directory is read: %v", err)
	}
}
