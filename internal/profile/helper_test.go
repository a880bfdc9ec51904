package profile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const (
	serial = "arn:aws:iam::123456789012:mfa/anna"
	roleA  = "arn:aws:iam::123456789012:role/a"
	roleB  = "arn:aws:iam::210987654321:role/path/b"
	roleC  = "arn:aws:iam::123456789012:role/c"
)

// write makes the three files in a new directory; an empty text makes none.
func write(t testing.TB, aws, own, credentials string) Paths {
	t.Helper()
	dir := t.TempDir()
	paths := Paths{AWSConfig: filepath.Join(dir, "config"), AWSCredentials: filepath.Join(dir, "credentials"), Own: filepath.Join(dir, "profiles.ini")}
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

func load(t testing.TB, aws, own string) *Files {
	t.Helper()
	files, err := Load(write(t, aws, own, ""))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func environment(pairs ...string) Env {
	return Env{CheckURL: awsapi.CheckURL, Getenv: func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}}
}

// resolve returns the settings of profile "x".
func resolve(t testing.TB, aws, own string) Settings {
	t.Helper()
	s, err := load(t, aws, own).Resolve(Call{Profile: "x"}, environment())
	if err != nil {
		t.Fatalf("%v; %s", err, fault.Remedy(err))
	}
	return s
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
