package keystore

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
)

// EnvVaultBackend is the variable that names aws-vault's keyring.
const EnvVaultBackend = "AWS_VAULT_BACKEND"

// Vault is aws-vault of the same user. Its access keys are read where they are; nothing of it is
// changed, and its sessions are not looked at.
type Vault struct {
	Options // its Person may be asked to unlock a keyring, and for the passphrase of the files

	// Backend is the keyring to look in, one of VaultBackends. "": the one that EnvVaultBackend
	// names, or else all of them, in aws-vault's order.
	Backend string
}

// VaultBackends returns the keyrings of aws-vault that this build reads.
func VaultBackends() []string { return ring.VaultKinds() }

// AccessKey returns the access key that aws-vault keeps under name. The error is a *fault.Error of
// kind NoSecret (no keyring has it, or it is damaged), Store (the keyring is locked, absent or does
// not answer; the passphrase is wrong), Config (what is there is no long-lived access key, or
// EnvVaultBackend names no keyring) or Usage (Backend names none); or why ctx ended.
func (v Vault) AccessKey(ctx context.Context, name string) (creds.AccessKey, error) {
	backend, err := v.backend(name)
	if err != nil {
		return creds.AccessKey{}, err
	}
	look := v.search
	if backend != "" {
		look = func(ctx context.Context, name string, ask bool) (creds.Secret, error) {
			return v.get(ctx, backend, name, ask)
		}
	}
	text, err := look(ctx, name, false)
	if errors.Is(err, ring.ErrLocked) && v.Person != nil {
		text, err = look(ctx, name, true)
	}
	if err != nil {
		return creds.AccessKey{}, err
	}
	return parseVault(name, text)
}

// backend returns the keyring that is asked for, or "" for all. name is the item that is wanted.
func (v Vault) backend(name string) (string, error) {
	thing, kind, backend := "--aws-vault-backend", fault.Usage, v.Backend
	if backend == "" {
		thing, kind = EnvVaultBackend, fault.Config
		backend, _ = v.variable(EnvVaultBackend)
	}
	if backend != "" && !slices.Contains(VaultBackends(), backend) {
		return "", fault.New(kind, thing, ring.ExportVault(name), "is %s, and what can be read here is %s",
			strconv.Quote(backend), strings.Join(VaultBackends(), ", "))
	}
	return backend, nil
}

// search looks in one keyring after the other. One that cannot be looked into does not end the
// search, but is what is wrong if no other has the item.
func (v Vault) search(ctx context.Context, name string, ask bool) (creds.Secret, error) {
	var without, unusable []string
	var unknown error
	for _, backend := range VaultBackends() {
		text, err := v.get(ctx, backend, name, ask)
		switch {
		case err == nil:
			return text, nil
		case errors.Is(err, ring.ErrNotThere):
			without = append(without, backend)
		case errors.Is(err, ring.ErrUnusable):
			unusable = append(unusable, backend)
		case fault.KindOf(err) != fault.Store || errors.Is(err, ring.ErrPassphrase):
			return creds.Secret{}, err // it is there
		case unknown == nil:
			unknown = err
		}
	}
	if unknown != nil {
		return creds.Secret{}, unknown
	}
	cause := "is not in " + strings.Join(without, ", ")
	if len(unusable) > 0 {
		cause += " (" + strings.Join(unusable, ", ") + " cannot be used here)"
	}
	return creds.Secret{}, fault.New(fault.NoSecret, "item "+strconv.Quote(name)+" of aws-vault", "run: aws-vault list", "%s", cause)
}

// get reads an item from one keyring. Without ask nobody is asked to unlock it, but for a passphrase
// when nothing else is missing.
func (v Vault) get(ctx context.Context, backend, name string, ask bool) (creds.Secret, error) {
	vault := ring.Vault{
		Options: ring.Options{Kind: backend, Executable: v.Executable, Env: v.Environ, Ask: v.Person != nil && (ask || backend == ring.Keychain), Serialize: v.Serialize},
		Places:  v.places(),
	}
	if passphrase, given := v.variable(ring.VaultPassphrase); given && backend == ring.File {
		secret := creds.NewSecret(passphrase)
		vault.Passphrase = &secret
	}
	text, err := vault.Get(ctx, name)
	if !errors.Is(err, ring.ErrPassphrase) || vault.Passphrase != nil || v.Person == nil {
		return text, err
	}
	passphrase, err := v.Person.Secret(ctx, "Passphrase of aws-vault's files")
	if err != nil {
		return creds.Secret{}, err
	}
	vault.Passphrase = &passphrase
	return vault.Get(ctx, name)
}

// places returns where aws-vault keeps its items.
func (v Vault) places() ring.VaultPlaces {
	or := func(name, standard string) string {
		if value, _ := v.variable(name); value != "" {
			return value
		}
		return standard
	}
	return ring.VaultPlaces{
		Keychain:   or("AWS_VAULT_KEYCHAIN_NAME", "aws-vault"),
		Collection: or("AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME", "awsvault"),
		PassDir:    or("AWS_VAULT_PASS_PASSWORD_STORE_DIR", ""),
		PassCmd:    or("AWS_VAULT_PASS_CMD", ""),
		PassPrefix: or("AWS_VAULT_PASS_PREFIX", ""),
		FileDir:    or("AWS_VAULT_FILE_DIR", "~/.awsvault/keys/"),
	}
}

// variable returns a variable of the environment, which may be set and empty.
func (v Vault) variable(name string) (value string, set bool) {
	for _, pair := range v.Environ {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value, true
		}
	}
	return "", false
}

// parseVault returns the access key in what aws-vault stores: the Credentials of the AWS SDK, as
// JSON.
func parseVault(name string, text creds.Secret) (creds.AccessKey, error) {
	thing := "item " + strconv.Quote(name) + " of aws-vault"
	var stored struct {
		AccessKeyID     string
		SecretAccessKey string
	}
	if json.Unmarshal([]byte(text.Reveal()), &stored) != nil {
		return creds.AccessKey{}, fault.New(fault.NoSecret, thing, "run: aws-vault add "+fault.Shell(name), "is damaged") // what json says might quote the secret
	}
	key := creds.AccessKey{ID: stored.AccessKeyID, Secret: creds.NewSecret(stored.SecretAccessKey)}
	return key, envstore.CheckAccessKey(thing, key)
}
