package agefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// failAfter lets n writes through. The state of the disk is then that of a process killed there.
func failAfter(n int) func() error {
	return func() error {
		if n == 0 {
			return io.ErrClosedPipe
		}
		n--
		return nil
	}
}

// protections are those that a store is changed between.
func protections() map[string]Protection {
	return map[string]Protection{"plain": {}, "passphrase": {Passphrase: secret(passphrase)}}
}

// TestRekeyStoppedAtEveryWrite changes the keys from each kind to each, stopped before every single
// write. Each time all items can be read, new ones be stored, and another Rekey goes through.
func TestRekeyStoppedAtEveryWrite(t *testing.T) {
	t.Parallel()
	for from, before := range protections() {
		for to, after := range protections() {
			for stop := range 20 {
				if rekeyStopped(t, before, after, stop) {
					break // it went through
				}
				if stop == 19 {
					t.Errorf("from %s to %s: it never went through", from, to)
				}
			}
		}
	}
}

func rekeyStopped(t *testing.T, before, after Protection, stop int) (done bool) {
	t.Helper()
	s := newStore(t)
	s.Person = &scripted{secret: passphrase}
	must(t, s.Rekey(t.Context(), before))
	for i := range 4 {
		put(t, s, strconv.Itoa(i), canary)
	}
	s.beforeWrite = failAfter(stop)
	err := s.Rekey(t.Context(), after)
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	s.beforeWrite = failAfter(-1)
	put(t, s, "new", canary)
	wantAll(t, s, 4)
	must(t, s.Rekey(t.Context(), after))
	wantAll(t, s, 4)
	wantSecret(t, s, "new", canary)
	want := []string{recipientsFile, identityFile}
	if !after.Passphrase.IsZero() {
		want[1] = sealedFile
	}
	for _, name := range []string{"0", "1", "2", "3", "new"} {
		want = append(want, fileName(name))
	}
	wantFiles(t, s, want...)
	return err == nil
}

func wantAll(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		wantSecret(t, s, strconv.Itoa(i), canary)
	}
}

// TestRekeyMakesTheOldIdentityWorthless checks that it opens nothing afterwards.
func TestRekeyMakesTheOldIdentityWorthless(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", canary)
	old := readFile(t, s.path(identityFile))
	writeFile(t, s.path("copy.age"), readFile(t, itemPath(s, "a")))
	must(t, s.Rekey(t.Context(), Protection{}))
	wantSecret(t, s, "a", canary)
	must(t, os.Rename(s.path("copy.age"), itemPath(s, "a")))
	wantSecret(t, s, "a", canary)
	fresh := readFile(t, s.path(identityFile))
	if bytes.Equal(old, fresh) || bytes.Contains(fresh, old) {
		t.Error("the old identity is still there")
	}
	writeFile(t, s.path(identityFile), old)
	wantGetFault(t, s, "a", fault.NoSecret, "another identity")
}

// TestRekeyStopsAtDamage and changes nothing, until the item is out of the way.
func TestRekeyStopsAtDamage(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 4 {
		put(t, s, strconv.Itoa(i), canary)
	}
	path := itemPath(s, "2")
	whole := readFile(t, path)
	writeFile(t, path, whole[:len(whole)-1])
	identity := readFile(t, s.path(identityFile))
	wantFault(t, s.Rekey(t.Context(), Protection{}), fault.NoSecret, path, fmt.Sprintf("run: mv %s %s.bad", path, path))
	if !bytes.Equal(readFile(t, s.path(identityFile)), identity) {
		t.Error("there is another identity")
	}
	for _, i := range []string{"0", "1", "3"} {
		wantSecret(t, s, i, canary)
	}
	writeFile(t, path, whole)
	wantSecret(t, s, "2", canary)
	must(t, os.Rename(path, path+".bad"))
	must(t, s.Rekey(t.Context(), Protection{}))
	if got := keyLines(string(readFile(t, s.path(identityFile)))); len(got) != 1 {
		t.Errorf("%d identities are left", len(got))
	}
}

func TestRekeyNeedsTheOldIdentity(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	must(t, s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase)}))
	put(t, s, "a", canary)
	item, sealed := readFile(t, itemPath(s, "a")), readFile(t, s.path(sealedFile))
	wantFault(t, s.Rekey(t.Context(), Protection{}), fault.Store, "locked")
	s.Person = &scripted{secret: "wrong"}
	wantFault(t, s.Rekey(t.Context(), Protection{Passphrase: secret("new")}), fault.Store, "passphrase", "wrong")
	wantFiles(t, s, sealedFile, recipientsFile, fileName("a"))
	if !bytes.Equal(readFile(t, itemPath(s, "a")), item) || !bytes.Equal(readFile(t, s.path(sealedFile)), sealed) {
		t.Error("something was written")
	}
}

// TestRekeyOfANewStore chooses what opens it, before anything is stored.
func TestRekeyOfANewStore(t *testing.T) {
	t.Parallel()
	for name, p := range protections() {
		s := newStore(t)
		must(t, s.Rekey(t.Context(), p))
		file, mode := identityFile, Plain
		if !p.Passphrase.IsZero() {
			file, mode = sealedFile, Passphrase
		}
		wantFiles(t, s, file, recipientsFile)
		if got, err := s.Status(t.Context()); err != nil || got.Mode != mode {
			t.Errorf("%s: Status = %+v, %v", name, got, err)
		}
		put(t, s, "a", canary)
		s.Person = &scripted{secret: passphrase}
		wantSecret(t, s, "a", canary)
	}
}

// TestRekeyOfAHalfMadeStore goes on where another was killed between its two files.
func TestRekeyOfAHalfMadeStore(t *testing.T) {
	t.Parallel()
	for _, before := range protections() {
		for _, after := range protections() {
			s := newStore(t)
			s.Person = &scripted{secret: passphrase}
			must(t, s.Rekey(t.Context(), before))
			must(t, os.Remove(s.path(recipientsFile)))
			must(t, s.Rekey(t.Context(), after))
			want := identityFile
			if !after.Passphrase.IsZero() {
				want = sealedFile
			}
			wantFiles(t, s, want, recipientsFile)
			put(t, s, "a", canary)
			wantSecret(t, s, "a", canary)
		}
	}
}

// TestWrongProtections are refused before anything is made.
func TestWrongProtections(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	must(t, s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase)}))
	public := strings.TrimSpace(string(readFile(t, s.path(recipientsFile))))
	for _, wrong := range []Protection{
		{Recipients: []string{"age1x"}},
		{IdentityFile: s.path(recipientsFile)},
		{Recipients: []string{"age1x"}, IdentityFile: s.path(recipientsFile)},
		{Recipients: []string{public}, IdentityFile: s.path(sealedFile)},
		{Recipients: []string{"age1x"}, IdentityFile: s.path("none")},
		{Recipients: []string{"age1x"}, IdentityFile: s.path("none"), Passphrase: secret(passphrase)},
	} {
		fresh := newStore(t)
		wantFault(t, fresh.Rekey(t.Context(), wrong), fault.Usage)
		if _, err := os.Stat(fresh.Dir); err == nil {
			t.Errorf("%+v: the directory was made", wrong)
		}
	}
}

// TestKilledRunsLeaveNothing has temporary files of killed runs, which can hold an identity in clear. What
// changes the store removes them, but not those of a process that is still writing.
func TestKilledRunsLeaveNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", canary)
	left := s.path(".aws-mfa-creds-0123456789abcdef.tmp")
	for name, c := range map[string]struct {
		change func() error
		gone   bool
	}{
		"put":       {func() error { return s.Put(t.Context(), "a", secret("b")) }, true},
		"delete":    {func() error { return errors.Join(s.Put(t.Context(), "b", secret("b")), s.Delete(t.Context(), "b")) }, true},
		"protect":   {func() error { return s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase)}) }, true},
		"unprotect": {func() error { s.Person = &scripted{secret: passphrase}; return s.Rekey(t.Context(), Protection{}) }, true},
		"put, another writing": {func() error {
			dir, err := securefile.OpenDir(s.Dir, securefile.Open)
			must(t, err)
			unlock, err := dir.Lock(t.Context(), lockFile, securefile.Shared)
			must(t, err)
			defer unlock()
			return s.Put(t.Context(), "a", secret("b"))
		}, false},
	} {
		must(t, os.WriteFile(left, []byte(canary), 0o600))
		must(t, c.change())
		if _, err := os.Stat(left); (err == nil) == c.gone {
			t.Errorf("%s: the temporary file: %v", name, err)
		}
	}
}
