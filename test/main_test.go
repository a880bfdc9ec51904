// Package test runs the real program as users do: as a process, against the strict sandbox, under the
// real AWS CLI, boto3 and Terraform, hundreds at a time, and while the clock, the network or AWS fails.
package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	// Most tests wait for time steps, and go test gives a package ten minutes: more of them run at once than
	// there are processors, unless -parallel says so. But the kernel gives an ordinary user room for 200 keys, and
	// some tests hold two dozen of them.
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		many := max(32, runtime.GOMAXPROCS(0))
		if os.Geteuid() > 0 {
			many = 12
		}
		_ = flag.Set("test.parallel", strconv.Itoa(many))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "aws-mfa-creds-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // other users run the program as well
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if binary, err = testbed.Build(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// bed returns a machine of its own, with its own sandbox, for one test.
func bed(t *testing.T, o testbed.Options) *testbed.Bed {
	t.Helper()
	o.Binary = binary
	b, err := testbed.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	removeSpare(t, filepath.Join(b.Own(), "cache"), os.Geteuid())
	t.Cleanup(func() { leaveNoKeys(b) })
	return b
}

// leaveNoKeys removes what the program has put into the kernel's keyring of this user for the machine b, and for
// others whose homes are on it.
func leaveNoKeys(b *testbed.Bed) {
	var claims []string
	_ = filepath.WalkDir(b.Dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "cache" {
			claims = append(claims, cache.ClaimsIn(path))
		}
		return nil
	})
	keys.Remove(claims...)
	_ = agefile.Open(agefile.Options{Dir: filepath.Join(b.Own(), "age")}).Lock(context.Background())
}

// removeSpare removes a user's spare places of a cache directory at the end of the test.
func removeSpare(t *testing.T, dir string, uid int) {
	t.Helper()
	t.Cleanup(func() {
		for _, place := range cache.Spare(dir, os.Getenv) {
			_ = os.RemoveAll(strings.Replace(place, fmt.Sprintf("-%d-", os.Geteuid()), fmt.Sprintf("-%d-", uid), 1))
		}
	})
}

// outcome is how a process ended.
type outcome struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// run runs a command on the machine b, with more variables.
func run(t *testing.T, b *testbed.Bed, env []string, command string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := b.Command(ctx, command, args...)
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	got := outcome{stdout.String(), stderr.String(), 0, time.Since(began)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got.code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return got
}

// get runs `aws-mfa-creds get --profile work` with more arguments.
func get(t *testing.T, b *testbed.Bed, args ...string) outcome {
	t.Helper()
	return run(t, b, nil, b.Binary, append([]string{"get", "--profile", "work"}, args...)...)
}

// processJSON is what a credential process prints.
type processJSON struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// mustGet returns the credentials that a get prints, and fails the test unless it
// succeeds in silence.
func mustGet(t *testing.T, b *testbed.Bed, args ...string) processJSON {
	t.Helper()
	return credentials(t, get(t, b, args...))
}

func credentials(t *testing.T, got outcome) processJSON {
	t.Helper()
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("exit %d, stderr %q", got.code, got.stderr)
	}
	var c processJSON
	decoder := json.NewDecoder(strings.NewReader(got.stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		t.Fatalf("not the JSON of a credential process: %v", err)
	}
	if c.Version != 1 || !strings.HasPrefix(c.AccessKeyID, "ASIA") || c.SecretAccessKey == "" || c.SessionToken == "" || c.Expiration.IsZero() {
		t.Fatalf("incomplete credentials of %s", c.AccessKeyID)
	}
	if strings.Count(got.stdout, "\n") != 1 || !strings.HasSuffix(got.stdout, "}\n") {
		t.Fatal("not one line")
	}
	return c
}

// missing skips the test for want of a program, loudly, or fails it in CI.
func missing(t *testing.T, what, howToGet string) {
	t.Helper()
	message := fmt.Sprintf("%s is missing: %s", what, howToGet)
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	t.Skip("SKIPPED: " + message)
}

// start starts n gets and returns a function that waits for them and returns how they
// ended. The processes share one deadline.
func start(t *testing.T, b *testbed.Bed, n int, args ...string) (wait func() []outcome) {
	t.Helper()
	results := make(chan outcome, n)
	for range n {
		go func() { results <- get(t, b, args...) }()
	}
	return func() []outcome {
		all := make([]outcome, 0, n)
		for range n {
			all = append(all, <-results)
		}
		return all
	}
}

// roomInStep waits, if need be, until the time step has a while to go.
func roomInStep() {
	const room = 10 * time.Second
	if end := totp.StepAt(time.Now()).End(); time.Until(end) < room {
		time.Sleep(time.Until(end))
	}
}
