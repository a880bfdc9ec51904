package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
)

// vaultSource is an access key that aws-vault keeps.
type vaultSource struct {
	name    string // of the profile there
	backend string // the keyring it is in, or ""
}

func (v *vaultSource) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&v.name, "from-aws-vault", "", "take the access key that aws-vault keeps for the profile `NAME`, and leave it there")
	f.StringVar(&v.backend, "aws-vault-backend", "", "with --from-aws-vault: look in this `keyring` of aws-vault only (default: $"+keystore.EnvVaultBackend+", or all)")
	complete(cmd, "aws-vault-backend", keystore.VaultBackends)
}

func (v *vaultSource) given() bool { return v.name != "" }

// keyFromVault reads the access key where aws-vault keeps it.
func (add *adding) keyFromVault(ctx context.Context) (creds.AccessKey, error) {
	o, err := add.storeOptions(add.ask)
	if err != nil {
		return creds.AccessKey{}, err
	}
	o.Environ = add.environ() // the passphrase may be in it; no keyring's program gets what is of AWS
	key, err := keystore.Vault{Options: o, Backend: add.key.vault.backend}.AccessKey(ctx, add.key.vault.name)
	return key, ended(err)
}
