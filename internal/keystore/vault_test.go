package keystore

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
)

// TestParseVault reads what the versions of aws-vault have stored: aws.Credentials of the SDK for
// Go 2, credentials.Value of its first version.
func TestParseVault(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"7": `{"AccessKeyID":"` + someID + `","SecretAccessKey":"` + someSecret + `","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z","AccountID":""}`,
		"5": `{"AccessKeyID":"` + someID + `","SecretAccessKey":"` + someSecret + `","SessionToken":"","ProviderName":""}`,
	} {
		key, err := parseVault("work", creds.NewSecret(text))
		if err != nil || key.ID != someID || key.Secret.Reveal() != someSecret {
			t.Errorf("%s: %s, %v", name, key.ID, err)
		}
	}
}

func TestVaultPlaces(t *testing.T) {
	t.Parallel()
	standard := ring.VaultPlaces{Keychain: "aws-vault", Collection: "awsvault", FileDir: "~/.awsvault/keys/"}
	if got := (Vault{}).places(); got != standard {
		t.Errorf("got %+v", got)
	}
	environ := []string{
		"AWS_VAULT_KEYCHAIN_NAME=login", "AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME=other", "AWS_VAULT_PASS_PASSWORD_STORE_DIR=/pass",
		"AWS_VAULT_PASS_CMD=gopass", "AWS_VAULT_PASS_PREFIX=aws", "AWS_VAULT_FILE_DIR=/keys",
	}
	want := ring.VaultPlaces{Keychain: "login", Collection: "other", PassDir: "/pass", PassCmd: "gopass", PassPrefix: "aws", FileDir: "/keys"}
	if got := (Vault{Options: Options{Environ: environ}}).places(); got != want {
		t.Errorf("got %+v", got)
	}
}

// FuzzParseVault finds no text that makes it panic, show a secret or return what is no long-lived
// access key.
func FuzzParseVault(f *testing.F) {
	for _, text := range []string{
		`{"AccessKeyID":"` + someID + `","SecretAccessKey":"` + someSecret + `"}`, `{"accesskeyid":1}`, `[]`, `null`, "", "\x00", `{"SecretAccessKey":"` + someSecret + `"`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parseVault("work", creds.NewSecret(text))
		switch {
		case err == nil && envstore.CheckAccessKey("key", key) != nil:
			t.Errorf("returned %s", key.ID)
		case err != nil && fault.KindOf(err) == fault.Internal:
			t.Errorf("not told to a person: %v", err)
		case err != nil && strings.Contains(fault.Line(err), someSecret):
			t.Error("the error shows the secret")
		}
	})
}
