package test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestGetKilledAnywhere kills a get before each of its effects: the next one works, and sends no code that the
// first may have sent.
func TestGetKilledAnywhere(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	ready := &newcomer{Bed: b, t: t}
	get := []string{"get", "--profile", "work"}
	dry, whole := ready.again(t), killer{}
	dry.check(whole.run(dry, get...))
	if whole.killed || whole.code != 0 || whole.effects < 20 {
		t.Fatalf("the dry run: %+v", whole)
	}
	stride := 1
	if testing.Short() {
		stride = 4
	}
	var machines []*newcomer
	for point := 1; point <= whole.effects; point += stride {
		n, k := ready.again(t), killer{at: point}
		n.check(k.run(n, get...))
		machines = append(machines, n)
	}
	results := make([]outcome, len(machines))
	var wg sync.WaitGroup
	for i, n := range machines {
		wg.Go(func() { results[i] = run(t, n.Bed, n.env, n.Binary, get...) })
	}
	wg.Wait()
	for i, n := range machines {
		credentials(t, results[i])
		wantNoCodeTwice(t, n.Bed)
		n.clean()
	}
	t.Logf("%d effects", whole.effects)
}

// replayed puts back what a directory held.
func replayed(t *testing.T, dir string, old map[string][]byte) {
	t.Helper()
	must(t, os.RemoveAll(dir))
	must(t, os.Mkdir(dir, 0o700))
	for name, content := range old {
		must(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
}

func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, entry := range entries {
		all[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name()))
		must(t, err)
	}
	return all
}

// TestReplayedCache puts back a cache of before, in which the last code is not spent.
func TestReplayedCache(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	dir := filepath.Join(b.Own(), "cache")
	first := mustGet(t, b)
	old := contents(t, dir)
	second := mustGet(t, b, "--refresh")
	replayed(t, dir, old)
	if got := mustGet(t, b); got.AccessKeyID != first.AccessKeyID {
		t.Errorf("%s is not the session of then, which is still good", got.AccessKeyID)
	}
	if third := mustGet(t, b, "--refresh"); third.AccessKeyID == first.AccessKeyID || third.AccessKeyID == second.AccessKeyID {
		t.Error("not refreshed")
	}
	wantMints(t, b, 3)
}

// TestSwappedFiles gives each session the name of another one: nobody gets another's.
func TestSwappedFiles(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	asked := [][]string{nil, {"--role-arn", "arn:aws:iam::123456789012:role/deploy"}, {"--role-arn", "arn:aws:iam::123456789012:role/readonly"}}
	before := make(map[string]int)
	for i, args := range asked {
		before[mustGet(t, b, args...).AccessKeyID] = i
	}
	dir := filepath.Join(b.Own(), "cache")
	files, err := filepath.Glob(filepath.Join(dir, "*.session"))
	if err != nil || len(files) != len(asked) {
		t.Fatalf("%v, %v", files, err)
	}
	for i, file := range files {
		must(t, os.Rename(file, filepath.Join(dir, fmt.Sprint((i+1)%len(files)))))
	}
	for i, file := range files {
		must(t, os.Rename(filepath.Join(dir, fmt.Sprint(i)), file))
	}
	for i, args := range asked {
		if was, ok := before[mustGet(t, b, args...).AccessKeyID]; ok && was != i {
			t.Errorf("%v got the session of %v", args, asked[was])
		}
	}
	wantNoCodeTwice(t, b)
}

// TestProgramRepeatsItselfElsewhere has mfa_process print the code that another process has sent, whose record is
// gone: it is not sent again.
func TestProgramRepeatsItselfElsewhere(t *testing.T) {
	t.Parallel()
	printed := filepath.Join(t.TempDir(), "printed")
	b := programmed(t, "/bin/cat "+printed)
	seed, err := totp.ParseSeed(b.Identity().Seed, totp.Policy{})
	must(t, err)
	roomInStep()
	writeFile(t, printed, seed.Code(totp.StepAt(time.Now())).Reveal())
	mustGet(t, b)
	must(t, os.RemoveAll(filepath.Join(b.Own(), "cache")))
	wantFailure(t, b, get(t, b), 9, "prints one that was sent before", "mfa_process")
	wantMints(t, b, 1)
}

// TestResyncInterrupted presses Ctrl-C while resync waits for a code: none was sent, so a get sends the next one.
func TestResyncInterrupted(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	n := &newcomer{Bed: b, t: t}
	roomInStep()
	refresh := []string{"get", "--profile", "work", "--refresh"}
	credentials(t, n.run(refresh...))
	sent := len(n.Server.State().Attempts)
	s := n.shell("resync", "--profile", "work")
	n.check(s.Expect("next token code"))
	n.check(s.Type("\x03"))
	s.ends(130)
	state := n.Server.State()
	if len(state.Attempts) != sent || state.Count("ResyncMFADevice").Calls != 0 {
		t.Errorf("sent: %+v", state.Attempts[sent:])
	}
	credentials(t, n.run(refresh...)) // it would not wait for the step after the next
	wantNoCodeTwice(t, n.Bed)
}

// TestPlantedSealingKey has no kernel keyring, and finds a file in the place of the sealing key that others may know
// or have made: it is replaced, and what it sealed is not used.
func TestPlantedSealingKey(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace", "apt-get install strace")
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	path := filepath.Join(b.Own(), "sealing.key")
	get := func() processJSON {
		t.Helper()
		return credentials(t, run(t, b, nil, strace, "-f", "-qq", "-o", "/dev/null", "-e", "inject=keyctl,add_key:error=EPERM", b.Binary, "get", "--profile", "work"))
	}
	elsewhere := filepath.Join(t.TempDir(), "key")
	plants := []struct {
		name  string
		plant func(known []byte) error
	}{
		{"a link", func(known []byte) error {
			return errors.Join(os.WriteFile(elsewhere, known, 0o600), os.Remove(path), os.Symlink(elsewhere, path))
		}},
		{"too short", func(known []byte) error { return os.WriteFile(path, known[:31], 0o600) }},
		{"readable by others", func([]byte) error { return os.Chmod(path, 0o644) }},
		{"another user's", func([]byte) error { return os.Chown(path, stranger, stranger) }},
		{"a pipe", func([]byte) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }},
	}
	last := get()
	for i, p := range plants {
		if p.name == "another user's" && os.Geteuid() != 0 {
			continue
		}
		known, err := os.ReadFile(path)
		must(t, err)
		must(t, p.plant(known))
		b.Server.SetClockOffset(time.Duration(i+1) * 2 * time.Minute) // no time step has to be waited for
		run(t, b, nil, b.Binary, "doctor", "--online", "--profile", "work")
		got := get()
		if got == last {
			t.Errorf("%s: the session that it sealed is used", p.name)
		}
		fresh, err := os.ReadFile(path)
		info, failed := os.Lstat(path)
		if err := errors.Join(err, failed); err != nil || info.Mode() != 0o600 || bytes.Equal(fresh, known) {
			t.Fatalf("%s: %v, %v", p.name, info.Mode(), err)
		}
		if again := get(); again != got {
			t.Errorf("%s: not cached", p.name)
		}
		last = got
	}
	if _, err := os.Lstat(elsewhere); errors.Is(err, fs.ErrNotExist) {
		t.Error("the link was followed")
	}
}
