package cli

import (
	"os"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestAbsoluteProgram makes --mfa-process independent of directory and PATH, as register does with ours.
func TestAbsoluteProgram(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"code", "print code"} {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), 0o700); err != nil {
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
		"one, another named":  {[]totp.Account{other}, "bob", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := seedSource{account: test.account}
			got, err := source.chooseAccount(t.Context(), test.accounts, "export", &asker{})
			if titleOf(got) != test.want || (err != nil) != (test.want == "") || err != nil && fault.KindOf(err) != fault.Usage {
				t.Errorf("%q, %v", titleOf(got), err)
			}
		})
	}
}

// TestChoosesTheText takes the one text of several, in pictures or lines, that is an MFA device's.
func TestChoosesTheText(t *testing.T) {
	t.Parallel()
	const (
		seed   = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
		aws    = "otpauth://totp/Amazon%20Web%20Services:alice@123456789012?secret=" + seed
		other  = "otpauth://totp/GitHub:alice?issuer=GitHub&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
		wifi   = "WIFI:S:guest;T:WPA;P:hunter22;;"
		export = "otpauth-migration://offline?data=CjUKEPqlBekzoNEukL7qlsjBCDYSDnBpQHJhc3BiZXJyeXBpGgtyYXNwYmVycnlwaSABKAEwAhABGAEgACjr4JKK%2B%2F%2F%2F%2F%2F8B"
	)
	for name, test := range map[string]struct {
		texts []string
		want  string // the label, "" for a refusal
	}{
		"two codes, one otpauth":  {[]string{wifi, aws}, "Amazon Web Services:alice@123456789012"},
		"two otpauth, one of AWS": {[]string{other, aws}, "Amazon Web Services:alice@123456789012"},
		"one otpauth of others":   {[]string{other}, "GitHub:alice"},
		"two codes, none otpauth": {[]string{wifi, "https://example.com"}, ""},
		"export with one account": {[]string{export}, "raspberrypi:pi@raspberrypi"},
		"export with comments":    {[]string{"# my phone\n" + export + "\n# the end\n"}, "raspberrypi:pi@raspberrypi"},
		"export and a picture":    {[]string{export, wifi}, "raspberrypi:pi@raspberrypi"},
		"an entry of pass":        {[]string{"hunter2\nuser: alice\n" + aws}, "Amazon Web Services:alice@123456789012"},
	} {
		var texts []creds.Secret
		for _, text := range test.texts {
			texts = append(texts, creds.NewSecret(text))
		}
		got, err := (&seedSource{}).choose(t.Context(), texts, "picture", &asker{})
		if titleOf(got) != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s: %q, %v", name, titleOf(got), err)
		}
	}
}
