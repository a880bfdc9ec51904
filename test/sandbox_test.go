//go:build unix

package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sandboxCommand runs aws-sandbox with a temporary directory of its own.
func sandboxCommand(t *testing.T, args ...string) (out outcome, tmp string) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "aws-sandbox")
	if text, err := exec.Command("go", "build", "-o", program, "../cmd/aws-sandbox").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	tmp = filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-binary", binary}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	return outcome{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}, tmp
}

func wantNothingLeft(t *testing.T, tmp string) {
	t.Helper()
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestStory plays the story that the README promises, and looks whether it says what happened.
func TestStory(t *testing.T) {
	t.Parallel()
	got, tmp := sandboxCommand(t)
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	for _, line := range []string{
		`Enabled arn:aws:iam::123456789012:mfa/alice-\S+ for user alice, and got a session with it`,
		`without a phone; the sandbox has seen 1 GetSessionToken call,`,
		`50 of 50 succeeded in .*; the sandbox has seen 1 GetSessionToken call, 0 AssumeRole calls and 1 token code\n`,
		`"AccessKeyId":"ASIA[A-Z2-7]{16}","SecretAccessKey":"\(hidden\)"`,
		`the sandbox has seen 2 GetSessionToken calls, 1 AssumeRole call and 2 token codes\n`,
	} {
		if !regexp.MustCompile(line).MatchString(got.stdout) {
			t.Errorf("no %s in\n%s", line, got.stdout)
		}
	}
	wantNothingLeft(t, tmp)
}

// TestFleetInTheSandbox shows hosts that share a session, or says what that needs.
func TestFleetInTheSandbox(t *testing.T) {
	t.Parallel()
	need(t, "redis-server", "apt-get install redis-server")
	got, tmp := sandboxCommand(t, "-fleet", "20")
	if want := "20 of 20 succeeded"; got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, want) || !strings.Contains(got.stdout, " 1 GetSessionToken call, ") {
		t.Errorf("exit %d, no %q in %s%s", got.code, want, got.stdout, got.stderr)
	}
	wantNothingLeft(t, tmp)
}

func TestSandboxRunsACommand(t *testing.T) {
	t.Parallel()
	got, tmp := sandboxCommand(t, "-tls", "--", "sh", "-c", "aws-mfa-creds get --profile audit --role-arn arn:aws:iam::123456789012:role/audit --external-id audit-4711; exit 7")
	if got.code != 7 || !strings.Contains(got.stdout, `"AccessKeyId":"ASIA`) || !strings.Contains(got.stderr, "1 AssumeRole call ") {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
	wantNothingLeft(t, tmp)
	for _, fault := range []string{"nonsense", "rewrite"} { // the second needs a function of Go
		if got, _ = sandboxCommand(t, "-fault", fault); got.code != 2 || !strings.Contains(got.stderr, "throttle") {
			t.Errorf("no fault %s: exit %d: %s", fault, got.code, got.stderr)
		}
	}
	if got, _ = sandboxCommand(t, "--", "no-such-command"); got.code != 127 {
		t.Errorf("no such command: exit %d: %s", got.code, got.stderr)
	}
	got, tmp = sandboxCommand(t, "-fault", "unavailable", "--", "aws-mfa-creds", "get", "--profile", "work")
	if got.code != 8 || got.stdout != "" {
		t.Errorf("fault: exit %d: %s", got.code, got.stderr)
	}
	wantNothingLeft(t, tmp)
}

// TestSandboxOfADemandingAccount sets up a laptop where IAM asks for the code of a phone.
func TestSandboxOfADemandingAccount(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	const setup = `cd "$HOME" && curl -sf "$URL/_sandbox/code?device=alice-phone" >code &&
		aws-mfa-creds setup --profile work --access-key-file "$KEY" --store age --yes --mfa-serial arn:aws:iam::123456789012:mfa/alice-phone --mfa-code-file code`
	if got, _ := sandboxCommand(t, "-laptop", "--", "true"); strings.Contains(got.stderr, "profiles:") || !strings.Contains(got.stderr, "aws-mfa-creds setup work --access-key-file $KEY") {
		t.Errorf("a laptop is announced as: %s", got.stderr)
	}
	got, tmp := sandboxCommand(t, "-laptop", "-require-mfa", "--", "sh", "-c", setup)
	if got.code != 0 || !strings.Contains(got.stdout, "Enabled arn:aws:iam::123456789012:mfa/alice-") {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	wantNothingLeft(t, tmp)
}
