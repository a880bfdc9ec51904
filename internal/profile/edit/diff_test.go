package edit

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

func changeOf(before, after string) Change {
	return Change{Path: "config", Old: creds.NewSecret(before), New: creds.NewSecret(after), Changed: before != after}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after, want string }{
		"none":       {"a\n", "a\n", ""},
		"new file":   {"", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		"all goes":   {"a\n", "", "@@ -1,1 +0,0 @@\n-a\n"},
		"no newline": {"a", "a\nb", "@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n\\ No newline at end of file\n"},
		"context":    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n", "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
		"two hunks": {
			"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
			"@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n",
		},
		"hunks meet":   {"1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n", "@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -5,4 +5,4 @@\n 5\n 6\n 7\n-8\n+y\n"},
		"one hunk":     {"1\n2\n3\n4\n5\n6\n7\n", "x\n2\n3\n4\n5\n6\ny\n", "@@ -1,7 +1,7 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n-7\n+y\n"},
		"CR LF":        {"a\r\n", "a\r\nb\r\n", "@@ -1,1 +1,2 @@\n a\n+b\n"},
		"control":      {"", "a\x1b[31m\tb\xff\u202e\n", "@@ -0,0 +1,1 @@\n+a\\x1b[31m\tb\ufffd\\u202e\n"},
		"secret":       {"[x]\naws_access_key_id = A\nAWS_Secret_Access_Key: canary\naws_session_token=canary\n", "[x]\n", "@@ -1,4 +1,1 @@\n [x]\n-aws_access_key_id = A\n-AWS_Secret_Access_Key: [hidden]\n-aws_session_token= [hidden]\n"},
		"seed":         {"mfa_process = oathtool -b --totp JBSWY3DPEHPK3PXP\n# JBSWY3DPEHPK3PXP\n", "mfa_process = x\n", "@@ -1,2 +1,1 @@\n-mfa_process = oathtool -b --totp [hidden]\n-# [hidden]\n+mfa_process = x\n"},
		"secret stays": {"aws_secret_access_key =\n  canary\n\tcanary", "aws_secret_access_key =\n  canary\n\tcanary\na\n", "@@ -1,3 +1,4 @@\n aws_secret_access_key = [hidden]\n   [hidden]\n-  [hidden]\n\\ No newline at end of file\n+  [hidden]\n+a\n"},
	} {
		want := c.want
		if want != "" {
			want = "--- config\n+++ config\n" + want
		}
		if got := changeOf(c.before, c.after).Diff(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestDiffApplies has patch make the new text out of the old one and the diff.
func TestDiffApplies(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("patch"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("apt-get install patch")
		}
		t.Skip("patch is not installed: apt-get install patch")
	}
	random := rand.New(rand.NewPCG(11, 12))
	for range 200 {
		before, after := randomLines(random), randomLines(random)
		if random.IntN(2) == 0 {
			after = strings.Replace(before, "c\n", "d\nd\n", 1+random.IntN(3))
		}
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		diff := changeOf(before, after).Diff()
		if diff == "" {
			if before != after {
				t.Fatalf("no diff of %q and %q", before, after)
			}
			continue
		}
		cmd := exec.Command("patch", "--fuzz=0", path)
		cmd.Stdin = strings.NewReader(diff)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%q -> %q\n%s", err, out, before, after, diff)
		}
		if got, _ := os.ReadFile(path); string(got) != after {
			t.Fatalf("patch makes %q of %q, want %q\n%s", got, before, after, diff)
		}
	}
}

func randomLines(random *rand.Rand) string {
	var b strings.Builder
	for range random.IntN(40) {
		b.WriteString([]string{"a\n", "b\n", "c\n", "\n", "e = f\n"}[random.IntN(5)])
	}
	if random.IntN(3) == 0 {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String()
}

// TestDiffOfTheLong compares what has no line in common that is there once.
func TestDiffOfTheLong(t *testing.T) {
	t.Parallel()
	before, after := strings.Repeat("a\nb\n", 3000), strings.Repeat("c\nb\n", 3000)
	if got := changeOf(before, after).Diff(); strings.Count(got, "\n-") != 6000-1 || strings.Count(got, "\n+") != 6000 {
		t.Errorf("%d lines go, %d come", strings.Count(got, "\n-"), strings.Count(got, "\n+"))
	}
}
