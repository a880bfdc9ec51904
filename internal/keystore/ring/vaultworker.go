package ring

import (
	"cmp"
	"os/exec"
	"slices"

	"github.com/99designs/keyring"
)

// vaultService is how the keyrings know aws-vault.
const vaultService = "aws-vault"

// performVault serves a request for an item of aws-vault.
func performVault(req request) answer {
	if req.Vault == nil || !slices.Contains(VaultKinds(), req.Kind) {
		return answer{State: broken}
	}
	if err := checkVault(req); err != nil {
		return refused(err)
	}
	store, err := openVault(req.Kind, *req.Vault)
	if err != nil {
		return refused(err)
	}
	value, err := getVault(store, req)
	if err != nil {
		return refused(err)
	}
	return answer{State: ok, Value: value}
}

// checkVault makes sure that the keyring is there, that it can be read without waiting for a person
// who is not to be asked, and that the library has no reason to create anything.
func checkVault(req request) error {
	switch req.Kind {
	case File:
		return checkVaultFile(*req.Vault, req.Name)
	case Pass:
		program := cmp.Or(req.Vault.PassCmd, Pass)
		if _, err := exec.LookPath(program); err != nil {
			return trouble{noProgram, program}
		}
		return nil
	default:
		return checkVaultService(req)
	}
}

// openVault opens the keyring as aws-vault does.
func openVault(kind string, place vaultPlace) (library, error) {
	return openLibrary(kind, keyring.Config{
		ServiceName:             vaultService,
		KeychainName:            place.Keychain,
		LibSecretCollectionName: place.Collection,
		KWalletAppID:            vaultService,
		KWalletFolder:           vaultService,
		PassDir:                 place.PassDir,
		PassCmd:                 place.PassCmd,
		PassPrefix:              place.PassPrefix,
		FileDir:                 place.FileDir,
		FilePasswordFunc:        keyring.FixedStringPrompt(string(place.Passphrase)),
		WinCredPrefix:           vaultService,
	}, itself)
}

func getVault(store library, req request) ([]byte, error) {
	switch req.Kind {
	case File:
		return getVaultFile(store, req.Name)
	case Pass:
		return getVaultPass(store, req.Name)
	default:
		return store.get(req.Name)
	}
}
