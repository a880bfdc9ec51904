package securefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// newDir returns an empty directory to write in, and its path.
func newDir(t testing.TB) (*Dir, string) {
	t.Helper()
	return openPath(t, t.TempDir())
}

func openPath(t testing.TB, path string) (*Dir, string) {
	t.Helper()
	dir, err := OpenAnyDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir, path
}

func content(t testing.TB, path, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// only fails unless the directory holds just these files.
func only(t testing.TB, path string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("directory holds %q, want %q", got, names)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {Durable: true}} {
		dir, path := newDir(t)
		for _, text := range []string{"first", "the second is longer", "3rd", ""} {
			if err := dir.Write("file", []byte(text), o); err != nil {
				t.Fatal(err)
			}
			if got := content(t, path, "file"); got != text {
				t.Errorf("holds %q, want %q", got, text)
			}
		}
		only(t, path, "file")
	}
}

func TestWriteRefusesPaths(t *testing.T) {
	t.Parallel()
	dir, path := newDir(t)
	for _, name := range []string{"", ".", "..", "a/b", "../a", "/a"} {
		if err := dir.Write(name, nil, Options{}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Write(%q) = %v", name, err)
		}
		if err := dir.Create(name, nil, Options{}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Create(%q) = %v", name, err)
		}
	}
	only(t, path)
}

func TestWriteReplacesLinks(t *testing.T) {
	t.Parallel()
	dir, path := newDir(t)
	outside := filepath.Join(t.TempDir(), "victim")
	for _, target := range []string{outside, "inside", "dangling"} {
		if target != "dangling" {
			if err := os.WriteFile(filepath.Join(path, "inside"), []byte("victim"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(outside, []byte("victim"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		link := filepath.Join(path, "link")
		os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		if err := dir.Write("link", []byte("new"), Options{}); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(link); err != nil || !info.Mode().IsRegular() {
			t.Errorf("the link to %s is still there: %v, %v", target, info, err)
		}
		if content(t, path, "link") != "new" || content(t, path, "inside") != "victim" {
			t.Errorf("the link to %s was followed", target)
		}
		if got, _ := os.ReadFile(outside); string(got) != "victim" {
			t.Errorf("the link to %s was followed: %q", target, got)
		}
		if err := dir.Create("link", nil, Options{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create over it: %v", err)
		}
	}
}

func TestCreateDoesNotFollowADanglingLink(t *testing.T) {
	t.Parallel()
	dir, path := newDir(t)
	if err := os.Symlink("elsewhere", filepath.Join(path, "link")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := dir.Create("link", []byte("x"), Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create = %v", err)
	}
	if err := dir.createInPlace("link", []byte("x"), Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("createInPlace = %v", err)
	}
	only(t, path, "link")
}

func TestCreateHasOneWinner(t *testing.T) {
	t.Parallel()
	const writers = 32
	size := 1 << 16
	for name, create := range map[string]func(*Dir, string, []byte, Options) error{"linked": (*Dir).Create, "in place": (*Dir).createInPlace} {
		dir, path := newDir(t)
		var winners, others atomic.Int32
		var winner atomic.Pointer[byte]
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				letter := byte('A' + i)
				switch err := create(dir, "file", bytes.Repeat([]byte{letter}, size), Options{}); {
				case err == nil:
					winners.Add(1)
					winner.Store(&letter)
				case errors.Is(err, fs.ErrExist):
					others.Add(1)
					if got := content(t, path, "file"); name == "linked" && len(got) != size {
						t.Errorf("a loser sees %d bytes", len(got))
					}
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if winners.Load() != 1 || others.Load() != writers-1 {
			t.Fatalf("%s: %d winners, %d others", name, winners.Load(), others.Load())
		}
		if got := content(t, path, "file"); got != strings.Repeat(string(*winner.Load()), size) {
			t.Errorf("%s: the file is not the winner's", name)
		}
		only(t, path, "file")
	}
}

// TestReadersSeeOneOrTheOther replaces a file as fast as possible under the eyes of
// readers.
func TestReadersSeeOneOrTheOther(t *testing.T) {
	t.Parallel()
	dir, path := newDir(t)
	texts := [2]string{strings.Repeat("a", 100_000), strings.Repeat("b", 50_000)}
	if err := dir.Write("file", []byte(texts[0]), Options{}); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := dir.Write("file", []byte(texts[i%2]), Options{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 500 {
		if got := content(t, path, "file"); got != texts[0] && got != texts[1] {
			t.Fatalf("torn: %d bytes", len(got))
		}
	}
	close(stop)
	wg.Wait()
	only(t, path, "file")
}

func TestTempNames(t *testing.T) {
	t.Parallel()
	dir, path := newDir(t)
	var calls uint64
	dir.random = func() uint64 { calls++; return calls / 3 } // each name is tried up to three times
	for number := range 2 {
		theirs := fmt.Sprintf("%s%0*x%s", tempPrefix, tempDigits, number, tempSuffix)
		if err := os.WriteFile(filepath.Join(path, theirs), []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := dir.Write("file", []byte("ours"), Options{}); err != nil || content(t, path, "file") != "ours" {
		t.Errorf("after taken names: %v", err)
	}
	dir.random = func() uint64 { return 0 }
	if err := dir.Write("file", []byte("new"), Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("all names taken: %v", err)
	}
	zero := strings.Repeat("0", tempDigits-1)
	only(t, path, tempPrefix+zero+"0"+tempSuffix, tempPrefix+zero+"1"+tempSuffix, "file")
	if content(t, path, tempPrefix+zero+"0"+tempSuffix) != "theirs" || content(t, path, "file") != "ours" {
		t.Error("a file of others was changed")
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	dir, path := newDir(t)
	now := time.Now()
	ours := func(digit string) string { return tempPrefix + strings.Repeat(digit, 16) + tempSuffix }
	for name, age := range map[string]time.Duration{
		ours("a"):                        2 * Abandoned,
		ours("b"):                        Abandoned / 2,
		ours("g"):                        2 * Abandoned, // no hex
		tempPrefix + "aaaa" + tempSuffix: 2 * Abandoned,
		"other.tmp":                      2 * Abandoned,
		"file":                           2 * Abandoned,
	} {
		file := filepath.Join(path, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(path, ours("c")), 0o700); err != nil {
		t.Fatal(err)
	}
	left, err := dir.Left(now.Add(-Abandoned))
	if want := []string{ours("a")}; err != nil || !slices.Equal(left, want) {
		t.Errorf("Left = %q, %v", left, err)
	}
	if err := dir.Sweep(now.Add(-Abandoned)); err != nil {
		t.Fatal(err)
	}
	if left, err = dir.Left(now.Add(-Abandoned)); err != nil || len(left) != 0 {
		t.Errorf("after Sweep: Left = %q, %v", left, err)
	}
	only(t, path, tempPrefix+"aaaa"+tempSuffix, ours("b"), ours("c"), ours("g"), "file", "other.tmp")
}

func TestRemove(t *testing.T) {
	t.Parallel()
	d, path := newDir(t)
	if err := d.Write("name", []byte("x"), Options{}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is none
		if err := d.Remove("name"); err != nil {
			t.Error(err)
		}
		only(t, path)
	}
	if err := d.Remove("a/b"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a path: %v", err)
	}
}
