//go:build linux

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// fromAWSVault has aws-vault on the machine, with its files in alice's home.
func fromAWSVault(t *testing.T) *recipe {
	t.Helper()
	r := converted(t)
	const passphrase = "AWS_VAULT_FILE_PASSPHRASE=correct-horse"
	vault := filepath.Join(needVault(t), "aws-vault")
	r.bind(vault, "/usr/local/bin/aws-vault")
	key := r.key()
	cmd := exec.CommandContext(t.Context(), vault, "add", "--env", "--no-add-config", "--backend=file", "work")
	cmd.Env = append(os.Environ(), "HOME="+r.path(aliceHome), passphrase, "AWS_ACCESS_KEY_ID="+key.ID, "AWS_SECRET_ACCESS_KEY="+key.Secret)
	if got := finish(t, cmd); got.code != 0 {
		t.Fatal(got.stderr)
	}
	phone := r.runners["phone"]
	r.runners["vault"] = func(t *testing.T, b block, text string) string {
		return phone(t, b, "export AWS_VAULT_BACKEND=file "+passphrase+"\n"+text)
	}
	r.check = func(t *testing.T) { t.Helper(); r.wantNoSecretAt(t, aliceHome) }
	return r
}
