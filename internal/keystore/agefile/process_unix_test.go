//go:build unix

package agefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

func roles() map[string]func(s *Store, word string) error {
	all := map[string]func(*Store, string) error{
		"get":    playGet,
		"guest":  playGuest,
		"writer": playWriter,
		"rekey":  playRekey,
		"everything": func(s *Store, word string) error {
			return errors.Join(s.Put(context.Background(), word, secret(canary)), playGuest(s, word))
		},
	}
	for name, act := range systemRoles() {
		all[name] = act
	}
	return all
}

func playGet(s *Store, word string) error {
	child.TakeSecrets() // as main does
	got, err := s.Get(context.Background(), word)
	if err != nil {
		return errors.New(fault.Line(err))
	}
	if got.Reveal() != canary {
		return fmt.Errorf("got %q", got.Reveal())
	}
	fmt.Println("got it")
	return nil
}

// playGuest stores an item of its own and one that all guests share, and reads both.
func playGuest(s *Store, word string) error {
	ctx := context.Background()
	for i := range 3 {
		own := secret(word + strconv.Itoa(i))
		if err := errors.Join(s.Put(ctx, word, own), s.Put(ctx, "shared", secret(strings.Repeat(word[len(word)-1:], 1000)))); err != nil {
			return err
		}
		got, err := s.Get(ctx, word)
		if err != nil || !got.Equal(own) {
			return fmt.Errorf("lost %q: %q, %w", own.Reveal(), got.Reveal(), err)
		}
		if err := wholeShared(s); err != nil {
			return err
		}
	}
	return nil
}

// wholeShared checks that the shared item is all of one letter.
func wholeShared(s *Store) error {
	got, err := s.Get(context.Background(), "shared")
	text := got.Reveal()
	if err != nil || text == "" || strings.Count(text, text[:1]) != 1000 {
		return fmt.Errorf("torn: %q, %w", text, err)
	}
	return nil
}

func playWriter(s *Store, _ string) error {
	for i := 0; ; i++ {
		if err := s.Put(context.Background(), "shared", secret(strings.Repeat(string(rune('a'+i%26)), 1000))); err != nil {
			return err
		}
	}
}

// playRekey changes what opens the store, again and again, from one kind to another.
func playRekey(s *Store, word string) error {
	s.Person = &scripted{secret: passphrase}
	for i, _ := strconv.Atoi(word); ; i++ {
		p := Protection{}
		if i%3 > 0 {
			p.Passphrase = secret(passphrase)
		}
		if err := s.Rekey(context.Background(), p); err != nil {
			return err
		}
	}
}

// TestFiftyProcesses has as many store and read at once, in a directory that none of them finds.
func TestFiftyProcesses(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var wg sync.WaitGroup
	for i := range 50 {
		cmd := process(t, "guest", s.Dir, fmt.Sprintf("guest-%02d", i))
		wg.Go(func() { finish(t, cmd) })
	}
	wg.Wait()
	for i := range 50 {
		word := fmt.Sprintf("guest-%02d", i)
		wantSecret(t, s, word, word+"2")
	}
	must(t, wholeShared(s))
	if files := fileNames(t, s.Dir); len(files) != 54 {
		t.Errorf("the directory holds %q", files)
	}
}

// start starts a process that is killed at the end of the test.
func start(t testing.TB, role, dir, word string) *exec.Cmd {
	t.Helper()
	cmd := process(t, role, dir, word)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func kill(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}

// TestKilledWriters kills processes that are storing, from the very first file on.
func TestKilledWriters(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	for i := range 40 {
		cmd := start(t, "writer", s.Dir, "")
		time.Sleep(time.Duration(2*i) * time.Millisecond)
		kill(cmd)
		if _, err := os.Stat(itemPath(s, "shared")); err == nil {
			must(t, wholeShared(s))
		}
	}
	put(t, s, "shared", strings.Repeat("a", 1000))
	must(t, wholeShared(s))
	wantFiles(t, s, identityFile, recipientsFile, fileName("shared"))
}

// TestKilledRekey kills processes that change the keys. Whatever is there opens all items.
func TestKilledRekey(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.Person = &scripted{secret: passphrase}
	for i := range 10 {
		put(t, s, strconv.Itoa(i), canary)
	}
	for i := range 40 {
		cmd := start(t, "rekey", s.Dir, strconv.Itoa(i))
		time.Sleep(time.Duration(10+5*i) * time.Millisecond)
		kill(cmd)
		for i := range 10 {
			wantSecret(t, s, strconv.Itoa(i), canary)
		}
		put(t, s, "meanwhile", canary)
	}
	must(t, s.Rekey(t.Context(), Protection{}))
	wantSecret(t, s, "meanwhile", canary)
	if got := keyLines(string(readFile(t, s.path(identityFile)))); len(got) != 1 {
		t.Errorf("%d identities are left", len(got))
	}
}

// TestReadersDuringRekey has none of them ever miss an item.
func TestReadersDuringRekey(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", canary)
	done := make(chan error)
	go func() {
		var err error
		for range 100 {
			err = errors.Join(err, s.Rekey(context.Background(), Protection{}))
			time.Sleep(15 * time.Millisecond) // so that the others get the lock as well
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			must(t, err)
			return
		default:
			wantSecret(t, s, "a", canary)
			put(t, s, "b", "x")
			wantSecret(t, s, "b", "x")
		}
	}
}

// stranger is a user that is not root and owns nothing.
const stranger = 54321

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: sudo go test")
	}
}

func strangersHome(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agefile-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chown(dir, stranger, stranger))
	return dir
}

func TestUmaskDoesNotMatter(t *testing.T) {
	t.Parallel()
	needRoot(t) // who is not hindered by modes, so a stranger has to do it
	for _, umask := range []string{"000", "022", "077", "0277", "0777"} {
		dir := filepath.Join(strangersHome(t), "above", "age")
		finish(t, process(t, "everything", dir, "item", umaskVar+"="+umask, uidVar+"="+strconv.Itoa(stranger)))
		wantMode(t, filepath.Dir(dir), 0o700)
		wantMode(t, dir, 0o700)
		for _, name := range fileNames(t, dir) {
			wantMode(t, filepath.Join(dir, name), 0o600)
		}
	}
}

func wantMode(t testing.TB, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != want {
		t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
	}
}

// TestOthersFiles has each file open to others, owned by others, and a link to elsewhere.
func TestOthersFiles(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := newStore(t)
	put(t, s, "a", canary)
	for _, path := range []string{itemPath(s, "a"), s.path(identityFile)} {
		must(t, os.Chmod(path, 0o644))
		wantGetFault(t, s, "a", fault.Permissions, path+": is open to other users (mode 0644); run: chmod 600 "+path)
		must(t, os.Chmod(path, 0o600))
		must(t, os.Chown(path, stranger, stranger))
		wantGetFault(t, s, "a", fault.Permissions, path, "belongs to another user", "run it as that user")
		must(t, os.Chown(path, 0, 0))
		must(t, os.Rename(path, path+".elsewhere"))
		must(t, os.Symlink(path+".elsewhere", path))
		wantGetFault(t, s, "a", fault.Permissions, path, "symbolic link")
		must(t, os.Remove(path))
		must(t, os.Rename(path+".elsewhere", path))
		wantSecret(t, s, "a", canary)
	}
	must(t, os.Chmod(s.path(recipientsFile), 0o666))
	wantFault(t, s.Put(t.Context(), "a", secret("b")), fault.Permissions, s.path(recipientsFile), "chmod 600")
	must(t, os.Chmod(s.path(recipientsFile), 0o600))
	must(t, os.Chmod(s.Dir, 0o755))
	wantGetFault(t, s, "a", fault.Permissions, s.Dir, "chmod 700")
	wantFault(t, s.Put(t.Context(), "a", secret("b")), fault.Permissions, s.Dir, "chmod 700")
	must(t, os.Chmod(s.Dir, 0o700))
	wantSecret(t, s, "a", canary)
}

// TestForeignFileOfAnotherUser is read by somebody whom the kernel keeps from it.
func TestForeignFileOfAnotherUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := filepath.Join(strangersHome(t), "age")
	finish(t, process(t, "everything", dir, "a", uidVar+"="+strconv.Itoa(stranger)))
	must(t, os.Chown(filepath.Join(dir, fileName("a")), 0, 0))
	cmd := process(t, "get", dir, "a", uidVar+"="+strconv.Itoa(stranger))
	err := cmd.Run()
	if said := fmt.Sprint(cmd.Stderr); err == nil || !strings.Contains(said, "belongs to another user") {
		t.Errorf("%v: %s", err, said)
	}
}

// TestLockedByAnother waits for the lock no longer than there is time, and reads without it.
func TestLockedByAnother(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", canary)
	dir, err := securefile.OpenDir(s.Dir, securefile.Open)
	must(t, err)
	defer dir.Close()
	unlock, err := dir.Lock(t.Context(), lockFile, securefile.Alone)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantFault(t, s.Put(ctx, "a", secret("b")), fault.Deadline, s.path(lockFile))
	wantFault(t, s.Rekey(ctx, Protection{}), fault.Deadline, s.path(lockFile))
	interrupted, stop := context.WithCancelCause(t.Context())
	reason := errors.New("interrupted")
	stop(reason)
	if err := s.Delete(interrupted, "a"); !errors.Is(err, reason) {
		t.Errorf("Delete = %v", err)
	}
	wantSecret(t, s, "a", canary)
	unlock()
	put(t, s, "a", "b")
}
