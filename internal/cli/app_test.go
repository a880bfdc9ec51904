package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestPanicShowsNothing makes a defect of ours happen: one line, no value, exit code 1.
func TestPanicShowsNothing(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := run(&app{
		args: []string{"get", "--profile", "work"}, stdout: &stdout, stderr: &stderr, now: time.Now,
		getenv: func(string) string { panic("canary") },
	})
	if code != 1 || stdout.Len() != 0 {
		t.Errorf("exit %d, stdout %q", code, stdout.String())
	}
	if text := stderr.String(); strings.Contains(text, "canary") || strings.Count(text, "\n") != 1 || !strings.Contains(text, issuesURL) {
		t.Errorf("stderr %q", text)
	}
}

// BenchmarkWarmGet is a get that is served from the cache, less the start of the process.
func BenchmarkWarmGet(b *testing.B) {
	bed, err := testbed.New(testbed.Options{Sandbox: sandbox.Options{}})
	if err != nil {
		b.Fatal(err)
	}
	defer bed.Close()
	env := make(map[string]string)
	for _, pair := range bed.Env() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	warm := func() {
		var stderr bytes.Buffer
		code := run(&app{
			args: []string{"get", "--profile", "work"}, stdout: io.Discard, stderr: &stderr, now: time.Now,
			getenv: func(name string) string { return env[name] },
		})
		if code != 0 {
			b.Fatal(stderr.String())
		}
	}
	warm()
	b.ReportAllocs()
	for b.Loop() {
		warm()
	}
	if calls := bed.Server.State().Count("GetSessionToken").Calls; calls != 1 {
		b.Fatalf("%d calls", calls)
	}
}
