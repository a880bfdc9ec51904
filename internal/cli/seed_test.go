package cli

import (
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

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
