package edit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

const (
	serial = "arn:aws:iam::123456789012:mfa/anna"
	roleA  = "arn:aws:iam::123456789012:role/a"
	roleB  = "arn:aws:iam::210987654321:role/path/b"
)

// write makes the three files in a new directory; an empty text makes none.
func write(t testing.TB, aws, own, credentials string) profile.Paths {
	t.Helper()
	dir := t.TempDir()
	paths := profile.Paths{AWSConfig: filepath.Join(dir, "config"), AWSCredentials: filepath.Join(dir, "credentials"), Own: filepath.Join(dir, "profiles.ini")}
	for path, text := range map[string]string{paths.AWSConfig: aws, paths.Own: own, paths.AWSCredentials: credentials} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

func load(t testing.TB, aws, own string) *profile.Files {
	t.Helper()
	files, err := profile.Load(write(t, aws, own, ""))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wantFault checks the kind of err and that its line has all the parts.
func wantFault(t testing.TB, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	bad, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("got %v, want a fault", err)
	}
	if bad.Kind != kind {
		t.Errorf("%v: kind %d, want %d", err, bad.Kind, kind)
	}
	for _, part := range parts {
		if !strings.Contains(fault.Line(err), part) {
			t.Errorf("%q lacks %q", fault.Line(err), part)
		}
	}
}

// replaceText edits a file by hand.
func replaceText(t testing.TB, path, old, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(data), old) {
		t.Fatalf("%q has no %q: %v", data, old, err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(data), old, text)), 0o600); err != nil {
		t.Fatal(err)
	}
}
