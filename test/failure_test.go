package test

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// wantFailure checks what every failure has to look like: the documented exit code,
// nothing on stdout, one line on stderr, and no secret.
func wantFailure(t *testing.T, b *testbed.Bed, got outcome, code int, words ...string) {
	t.Helper()
	if got.code != code {
		t.Errorf("exit %d, want %d: %s", got.code, code, got.stderr)
	}
	if got.stdout != "" {
		t.Errorf("stdout has %d bytes", len(got.stdout))
	}
	if !strings.HasPrefix(got.stderr, "aws-mfa-creds: error: ") || strings.Count(got.stderr, "\n") != 1 || len(got.stderr) > 1024 {
		t.Errorf("not one line of error: %q", got.stderr)
	}
	for _, word := range words {
		if !strings.Contains(got.stderr, word) {
			t.Errorf("the line does not say %q: %s", word, got.stderr)
		}
	}
	for _, secret := range b.Secrets() {
		if strings.Contains(got.stderr, secret) {
			t.Error("the line shows a secret")
		}
	}
}
