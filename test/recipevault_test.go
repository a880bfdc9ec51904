//go:build linux

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fromAWSVault has aws-vault's files in alice's home, which is aws-vault's choice where there is no
// keyring, written by the program that stands for aws-vault.
func fromAWSVault(t *testing.T) *recipe {
	t.Helper()
	r := converted(t)
	const passphrase = "AWS_VAULT_FILE_PASSPHRASE=correct-horse"
	vault := filepath.Join(t.TempDir(), "awsvault")
	if out, err := exec.Command("go", "build", "-o", vault, "./awsvault").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	key := r.key()
	cmd := exec.CommandContext(t.Context(), vault, "add", "file", "work")
	cmd.Env = append(os.Environ(), "HOME="+r.path(aliceHome), passphrase)
	cmd.Stdin = strings.NewReader(`{"AccessKeyID":"` + key.ID + `","SecretAccessKey":"` + key.Secret + `","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z"}`)
	if got := finish(t, cmd); got.code != 0 {
		t.Fatal(got.stderr)
	}
	phone := r.runners["phone"]
	r.runners["vault"] = func(t *testing.T, b block, text string) string {
		return phone(t, b, "export "+passphrase+"\n"+text)
	}
	r.check = func(t *testing.T) { t.Helper(); r.wantNoSecretAt(t, aliceHome) }
	return r
}
