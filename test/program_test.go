//go:build unix

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// programmed returns a machine whose access key is stored, and whose codes come from a program.
func programmed(t *testing.T, program string) *testbed.Bed {
	t.Helper()
	b, key, _ := bare(t)
	mustRun(t, b, nil, "add", "--profile", "work", "--store", "age", "--access-key-file", key, "--mfa-process", program, "--serial", b.Identity().Serial)
	return b
}

// TestProgramOfTheUser takes the codes from oathtool, as people do who keep the seed elsewhere.
func TestProgramOfTheUser(t *testing.T) {
	t.Parallel()
	oathtool := need(t, "oathtool", "apt-get install oathtool")
	b, key, seed := bare(t)
	script := filepath.Join(b.Dir, "print code")
	writeFile(t, script, fmt.Sprintf("#!/bin/sh\nexec %s --totp -b - <%s\n", oathtool, seed))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	said := mustRun(t, b, nil, "add", "--profile", "work", "--store", "age", "--access-key-file", key, "--mfa-process", "'"+script+"'", "--serial", b.Identity().Serial)
	if !strings.Contains(said, "prints the codes") {
		t.Error(said)
	}
	roomInStep()
	first := mustGet(t, b)
	if again := mustGet(t, b); again != first {
		t.Error("not cached")
	}
	wantMints(t, b, 1)
	if got := run(t, b, nil, b.Binary, "code", "--profile", "work"); got.code != 0 || len(got.stdout) != 7 {
		t.Errorf("code printed %q, %q", got.stdout, got.stderr)
	}
	if got := mustRun(t, b, nil, "list", "--profile", "work", "--json"); !strings.Contains(got, `"mfa_process": "`+script+`"`) {
		t.Errorf("list: %s", got)
	}
}

// TestProgramLeadsBack has the program run something that wants a session of the same device. It
// must neither hang nor multiply.
func TestProgramLeadsBack(t *testing.T) {
	t.Parallel()
	b := programmed(t, "/bin/sh -c '"+binary+" get --profile work >&2; "+binary+" get --profile work 2>&1 | grep -q again && echo 000000'")
	began := time.Now()
	got := get(t, b)
	if time.Since(began) > 45*time.Second {
		t.Errorf("it hung for %v", time.Since(began))
	}
	// The program has seen the refusal, and printed a wrong code because of it.
	wantFailure(t, b, got, 6, "AWS refused the token code")
}

// TestProgramFails names the program and not what it printed.
func TestProgramFails(t *testing.T) {
	t.Parallel()
	for program, words := range map[string]string{
		"/bin/echo 12345678": "8 digits", "/no/such/program": "cannot be run", "/bin/false": "exit status 1",
	} {
		b := programmed(t, program)
		got := get(t, b)
		if got.code != 3 && got.code != 4 {
			t.Errorf("%s: exit %d", program, got.code)
		}
		wantFailure(t, b, got, got.code, strings.Fields(program)[0], words)
		if strings.Contains(got.stderr, "12345678") {
			t.Error(got.stderr)
		}
		wantMints(t, b, 0)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
