package ring

import (
	"context"
	"errors"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// File is the kind of aws-vault's own files, each encrypted with one passphrase. We read them, but
// keep nothing there.
const File = "file"

// VaultPassphrase is the variable from which aws-vault takes the passphrase of its files.
const VaultPassphrase = "AWS_VAULT_FILE_PASSPHRASE" //nolint:gosec // the name of a variable, not a secret

// What errors of Vault.Get mean to a search, for errors.Is.
var (
	ErrNotThere   = errors.New("the keyring does not have the item")
	ErrUnusable   = errors.New("there is no such keyring here")
	ErrLocked     = errors.New("the keyring is locked, and a person was not to be asked")
	ErrPassphrase = errors.New("the item is there, but the passphrase is missing or wrong")
)

// VaultKinds returns the keyrings of aws-vault that this build reads, in the order in which
// aws-vault prefers them. The kernel's is not among them: aws-vault offers it, but names no
// keyring to use, so that it can neither store nor read there.
func VaultKinds() []string {
	kinds := slices.DeleteFunc(Kinds(), func(kind string) bool { return kind == Keyctl })
	return append(kinds, File)
}

// VaultPlaces say where in the keyrings aws-vault's items are, as its flags and variables do
// (cli/global.go of aws-vault 7).
type VaultPlaces struct {
	Keychain   string `json:"keychain"`   // name of the macOS keychain
	Collection string `json:"collection"` // of the Secret Service
	PassDir    string `json:"pass_dir"`   // "": pass's own
	PassCmd    string `json:"pass_cmd"`   // "": pass
	PassPrefix string `json:"pass_prefix"`
	FileDir    string `json:"file_dir"` // may begin with ~/
}

// Vault reads the items of aws-vault, and changes nothing of it. Like Ring it uses the library in
// a worker only, which is killed when it takes too long.
type Vault struct {
	Options // Kind is one of VaultKinds
	Places  VaultPlaces

	// Passphrase opens the files of File. Nil: there is none yet.
	Passphrase *creds.Secret
}

// vaultPlace is what a worker needs to know to read an item of aws-vault.
type vaultPlace struct {
	VaultPlaces
	Passphrase []byte `json:"passphrase,omitempty"`
	Open       bool   `json:"open"` // there is a passphrase, though it may be empty
}

// Get returns what aws-vault keeps under name. The error is a *fault.Error of kind NoSecret (there
// is none, or it is damaged), Store (the keyring cannot be used now), or Usage for a name that
// aws-vault cannot have; or why ctx ended.
func (v Vault) Get(ctx context.Context, name string) (creds.Secret, error) {
	if checkName(name) != nil {
		return creds.Secret{}, fault.New(fault.Usage, "the item of aws-vault", "run: aws-vault list", "has no name that aws-vault can keep")
	}
	limit := quietLimit
	if v.Ask {
		limit = askLimit
	}
	place := &vaultPlace{VaultPlaces: v.Places}
	if v.Passphrase != nil {
		place.Passphrase, place.Open = []byte(v.Passphrase.Reveal()), true
		defer clear(place.Passphrase)
	}
	r := Ring{options: v.Options, limit: limit, serial: v.Kind == Keychain}
	limited, cancel := context.WithTimeout(ctx, limit-reserve)
	defer cancel()
	got := r.serve(limited, request{Op: opVault, Kind: v.Kind, Name: name, Ask: v.Ask, Vault: place})
	defer clear(got.Value)
	if ctx.Err() != nil {
		return creds.Secret{}, context.Cause(ctx)
	}
	if got.State != ok {
		return creds.Secret{}, trouble{got.State, got.Detail}.vaultFault(v.Kind, name)
	}
	return creds.NewSecret(string(got.Value)), nil
}

// vaultTitle returns how an error names a keyring of aws-vault.
func vaultTitle(kind string) string {
	if kind == File {
		return "its encrypted files"
	}
	return title(kind)
}
