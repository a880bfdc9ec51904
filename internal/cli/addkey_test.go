package cli

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// FuzzParseVault finds no output that makes it panic, show a secret or return what is no long-lived
// access key.
func FuzzParseVault(f *testing.F) {
	const id, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	good := `{"Version": 1, "AccessKeyId": "` + id + `", "SecretAccessKey": "` + secret + `"}`
	vault := vaultSource{name: "work"}
	if key, err := vault.parse([]byte(good), true); err != nil || key.ID != id || key.Secret.Reveal() != secret {
		f.Errorf("%s: %s, %v", good, key.ID, err)
	}
	for _, text := range []string{good, `{"accesskeyid":1}`, `[]`, `null`, "", "\x00", `{"SecretAccessKey":"` + secret + `"`, strings.Replace(good, "AKIA", "ASIA", 1)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := vault.parse([]byte(text), true)
		switch {
		case err == nil && key.Check("key", true) != nil:
			t.Errorf("returned %s", key.ID)
		case err != nil && fault.KindOf(err) == fault.Internal:
			t.Errorf("not for a person: %v", err)
		case err != nil && strings.Contains(fault.Line(err), secret):
			t.Error("the error shows the secret")
		}
	})
}

func TestVaultFailures(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]struct {
		err  error
		kind fault.Kind
		line string
	}{
		"":                       {exec.ErrNotFound, fault.Store, "is not on PATH"},
		"Enter passphrase: ":     {context.DeadlineExceeded, fault.Store, "has not answered in time"},
		"x":                      {child.ErrTooMuch, fault.NoSecret, "something else than an access key"},
		"panic: runtime error":   {errors.New("exit status 2"), fault.Store, "aws-vault has failed"},
		"aws-vault: error: a, b": {errors.New("exit status 1"), fault.Store, "aws-vault says: a, b"},
		"Enter: aws-vault: error: exec: profile work: credentials missing\n": {errors.New("exit status 1"), fault.NoSecret, "has no access key"},
	} {
		err := vaultSource{name: "work"}.failed(want.err, said)
		if line := fault.Line(err); fault.KindOf(err) != want.kind || !strings.Contains(line, want.line) {
			t.Errorf("%q: exit %d: %s", said, fault.KindOf(err), line)
		}
	}
}
