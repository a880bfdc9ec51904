package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// rounds returns how often a test of chance tries the command: n times AWS_MFA_CREDS_TEST_ROUNDS, which make
// soak sets.
func rounds(n int, command string) int {
	if command == "protect" { // each takes seconds, as scrypt has it
		n = 2
	}
	if more, err := strconv.Atoi(os.Getenv("AWS_MFA_CREDS_TEST_ROUNDS")); err == nil {
		return n * more
	}
	return n
}

// chance returns the random numbers of a test of chance: always the same ones, so that a failure can be had
// again, but for make soak.
func chance(command string) *rand.Rand {
	seed := uint64(1)
	if os.Getenv("AWS_MFA_CREDS_TEST_ROUNDS") != "" {
		seed = rand.Uint64()
	}
	return rand.New(rand.NewPCG(seed, uint64(len(command))))
}

// TestFiftyRegistersAtOnce has fifty processes write profiles of their own into one AWS config.
func TestFiftyRegistersAtOnce(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			name := fmt.Sprint("p", i)
			if got := run(t, b, nil, b.Binary, "register", "--profile", name, "--role-arn", "arn:aws:iam::123456789012:role/"+name, "--source-profile", "work"); got.code != 0 {
				t.Errorf("%s: exit %d: %s", name, got.code, got.stderr)
			}
		})
	}
	wg.Wait()
	text := readFile(t, b.ConfigFile())
	for i := range 50 {
		if strings.Count(text, fmt.Sprintf("[profile p%d]\n", i)) != 1 || strings.Count(text, fmt.Sprintf(":role/p%d\n", i)) != 1 {
			t.Errorf("p%d is not there once", i)
		}
	}
}

// steady returns a machine with both secrets in the age store and a cached session, and commands that change
// files there and need no code.
func steady(t *testing.T) (b *testbed.Bed, commands map[string][]string) {
	t.Helper()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	mustGet(t, b)
	passphrase := filepath.Join(b.Dir, "passphrase")
	writeFile(t, passphrase, "correct horse battery staple\n")
	return b, map[string][]string{
		"get":        {"get", "--profile", "work"},
		"register":   {"register", "--profile", "work", "--region", "eu-west-1"},
		"unregister": {"unregister", "--profile", "work"},
		"protect":    {"store", "protect", "--passphrase", "--passphrase-file", passphrase},
		"list":       {"list"},
		"doctor":     {"doctor", "--fix"},
	}
}

// eachSteady runs a test for each of the commands, on a machine of its own.
func eachSteady(t *testing.T, test func(t *testing.T, b *testbed.Bed, name string, command []string)) {
	t.Helper()
	for _, name := range []string{"get", "register", "unregister", "protect", "list", "doctor"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, commands := steady(t)
			test(t, b, name, commands[name])
		})
	}
}

// intact checks that the secrets are there, once whatever was interrupted is done again.
func intact(t *testing.T, b *testbed.Bed, name string, command []string, printed string) {
	t.Helper()
	unlock := func() {
		run(t, b, nil, b.Binary, "unlock", "--passphrase-file", filepath.Join(b.Dir, "passphrase")) // which it may not need
	}
	unlock()
	if command[0] != "doctor" {
		if got := run(t, b, nil, b.Binary, command...); got.code != 0 {
			t.Errorf("%s again: exit %d: %s", name, got.code, got.stderr)
		}
	}
	if got := run(t, b, nil, b.Binary, "get", "--profile", "work"); got.code != 0 && name != "unregister" {
		t.Errorf("get after %s: exit %d: %s", name, got.code, got.stderr)
	}
	unlock()
	if got := run(t, b, nil, b.Binary, "export", "--profile", "work", "--uri", "--yes"); got.code != 0 || !strings.Contains(got.stdout, b.Identity().Seed) {
		t.Errorf("the seed after %s: exit %d: %s", name, got.code, got.stderr)
	}
	c := newCanary(t)
	c.add("secret key", b.Identity().SecretAccessKey)
	c.add("seed", b.Identity().Seed)
	c.search(name, []byte(printed))
}

// TestKilledAnyTime kills each command at a moment of chance.
func TestKilledAnyTime(t *testing.T) {
	t.Parallel()
	eachSteady(t, func(t *testing.T, b *testbed.Bed, name string, command []string) {
		random := chance(name)
		for range rounds(5, name) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(60_000))*time.Microsecond)
			out, _ := b.Command(ctx, b.Binary, command...).CombinedOutput()
			cancel()
			intact(t, b, name, command, string(out))
		}
	})
}

// TestFaultySystemCalls has one system call of each command fail, as on a disk that is full, read-only or
// broken: the command works all the same or fails in words, and nothing is lost.
func TestFaultySystemCalls(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace", "apt-get install strace")
	faults := []string{
		"openat:error=EMFILE", "openat:error=EACCES", "write:error=ENOSPC", "fsync:error=EIO", "renameat,renameat2:error=EROFS", "linkat:error=EPERM",
		"unlinkat:error=EBUSY", "flock:error=ENOLCK", "fchmod,fchmodat:error=EPERM", "newfstatat:error=EIO", "mkdirat:error=EDQUOT", "getdents64:error=EIO",
	}
	eachSteady(t, func(t *testing.T, b *testbed.Bed, name string, command []string) {
		random := chance(name)
		for range rounds(8, name) {
			fault := faults[random.IntN(len(faults))] + ":when=" + strconv.Itoa(1+random.IntN(10))
			calls := filepath.Join(t.TempDir(), "calls")
			got := run(t, b, nil, strace, append([]string{"-f", "-qq", "-o", calls, "-e", "inject=" + fault, b.Binary}, command...)...)
			if strings.Contains(got.stderr, "netpollBreak write failed") {
				continue // a write by which Go's runtime wakes a thread: no disk makes that fail
			}
			// strace counts per thread: the write that says what failed may be one that fails. A get whose
			// stdout fails is silent.
			said := strings.Contains(got.stderr, "error: ") || regexp.MustCompile(` write\([12], `).MatchString(readFile(t, calls))
			if strings.Contains(got.stderr, "goroutine ") || got.code < 0 || got.code != 0 && !said {
				t.Errorf("%s: exit %d: %s", fault, got.code, got.stderr)
			}
			if name == "get" && got.code != 0 && got.stdout != "" {
				t.Errorf("%s: stdout has %d bytes", fault, len(got.stdout))
			}
			intact(t, b, name, command, got.stdout+got.stderr)
		}
	})
}
