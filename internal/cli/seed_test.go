package cli

import (
	"os"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestAbsoluteProgram makes --mfa-process independent of directory and PATH, as register does with ours.
func TestAbsoluteProgram(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"code", "print code"} {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // it is to be run
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	for line, want := range map[string]string{
		"./code -s 'a b'":   dir + "/code -s 'a b'",
		"code -s aws":       dir + "/code -s aws",
		" code":             dir + "/code",
		`"./print code" -x`: `"` + dir + `/print code" -x`,
		"'./print code'":    `"` + dir + `/print code"`,
		dir + "/code":       dir + "/code",
		"no-such-program x": "no-such-program x",
		"./none":            "./none",
		"~/code":            "~/code",
		"":                  "",
	} {
		if got := absoluteProgram(line); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// TestChooseAccount takes the only account of an export, or the only one of AWS, without asking.
func TestChooseAccount(t *testing.T) {
	t.Parallel()
	aws := totp.Account{Name: "alice@123456789012", Issuer: "Amazon Web Services"}
	other, third := totp.Account{Name: "alice", Issuer: "GitHub"}, totp.Account{Name: "bob", Issuer: "GitHub"}
	for name, test := range map[string]struct {
		accounts []totp.Account
		account  string // --account
		want     string // "" for a refusal
	}{
		"one, not of AWS":     {[]totp.Account{other}, "", "GitHub:alice"},
		"one of AWS":          {[]totp.Account{other, aws, third}, "", "Amazon Web Services:alice@123456789012"},
		"several, none named": {[]totp.Account{other, third}, "", ""},
		"several, one named":  {[]totp.Account{other, third}, "bob", "GitHub:bob"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := seedSource{account: test.account}
			got, err := source.chooseAccount(t.Context(), test.accounts, "export", &asker{})
			if got.name != test.want || (err != nil) != (test.want == "") || err != nil && fault.KindOf(err) != fault.Usage {
				t.Errorf("%q, %v", got.name, err)
			}
		})
	}
}
