package agefile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// canary is a secret that no error, file or name may ever show.
const canary = "CanaryCanaryCanaryCanaryCanaryCanary+/42"

// passphrase is one that must not show either.
const passphrase = "canary horse battery staple"

// at returns the store in dir, as cheap as tests need it.
func at(dir string) *Store {
	s := Open(Options{Dir: dir, Now: time.Now, Executable: os.Args[0]})
	s.workFactor = 2
	return s
}

// newStore returns a store in a directory that does not exist yet.
func newStore(t testing.TB) *Store {
	t.Helper()
	s := at(filepath.Join(t.TempDir(), "above", "age"))
	t.Cleanup(func() { _ = s.Lock(context.Background()) }) // or the kernel has the key for hours
	return s
}

func secret(text string) creds.Secret { return creds.NewSecret(text) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, s *Store, name, value string) {
	t.Helper()
	if err := s.Put(t.Context(), name, secret(value)); err != nil {
		t.Fatalf("Put(%q) = %s", name, fault.Line(err))
	}
}

func wantSecret(t testing.TB, s *Store, name, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatalf("Get(%q) = %s", name, fault.Line(err))
	}
	if got.Reveal() != want {
		t.Fatalf("Get(%q) = %q, want %q", name, got.Reveal(), want)
	}
}

// wantFault checks the kind of an error, that its line has the words, and that it tells nothing it
// should not.
func wantFault(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("got %v (kind %d), want kind %d", err, fault.KindOf(err), kind)
	}
	line := fault.Line(err)
	for _, word := range words {
		if !strings.Contains(line, word) {
			t.Errorf("%q does not say %q", line, word)
		}
	}
	for _, hidden := range []string{canary, passphrase, "AGE-SECRET", "AGE-PLUGIN"} {
		if strings.Contains(line, hidden) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%q shows a secret", line)
		}
	}
}

func wantGetFault(t testing.TB, s *Store, name string, kind fault.Kind, words ...string) {
	t.Helper()
	got, err := s.Get(t.Context(), name)
	if !got.IsZero() {
		t.Fatalf("Get(%q) returned a secret with %v", name, err)
	}
	wantFault(t, err, kind, words...)
}

func itemPath(s *Store, name string) string { return s.path(fileName(name)) }

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	must(t, os.WriteFile(path, data, 0o600))
}

func fileNames(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// wantFiles checks what is in the store's directory, besides the lock.
func wantFiles(t testing.TB, s *Store, want ...string) {
	t.Helper()
	got := slices.DeleteFunc(fileNames(t, s.Dir), func(name string) bool { return name == lockFile })
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
}

// scripted is a person whose answers are known before.
type scripted struct {
	secret string // "": the person gives up
	public string
	yes    bool
	shown  strings.Builder
	asked  []string
}

var errGivenUp = errors.New("given up")

func (p *scripted) Write(text []byte) (int, error) { return p.shown.Write(text) }

func (p *scripted) Line(_ context.Context, prompt string) (string, error) {
	p.asked = append(p.asked, prompt)
	return p.public, nil
}

func (p *scripted) Secret(_ context.Context, prompt string) (creds.Secret, error) {
	p.asked = append(p.asked, prompt)
	if p.secret == "" {
		return creds.Secret{}, errGivenUp
	}
	return secret(p.secret), nil
}

func (p *scripted) Confirm(_ context.Context, question string) (bool, error) {
	p.asked = append(p.asked, question)
	return p.yes, nil
}
