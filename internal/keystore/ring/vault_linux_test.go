package ring

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/99designs/keyring"
)

func TestVaultKinds(t *testing.T) {
	t.Parallel()
	if got := VaultKinds(); !slices.Equal(got, []string{SecretService, KWallet, Pass, File}) {
		t.Errorf("got %v", got)
	}
}

// TestVaultHasNoKeyctl makes sure that there is nothing to read: with the configuration of
// aws-vault, which names no scope, the library cannot open the kernel's keyring.
func TestVaultHasNoKeyctl(t *testing.T) {
	t.Parallel()
	if _, err := keyring.Open(keyring.Config{AllowedBackends: []keyring.BackendType{keyring.KeyCtlBackend}, ServiceName: vaultService}); err == nil {
		t.Error("it can be opened")
	}
	got := performVault(request{Op: opVault, Kind: Keyctl, Name: "work", Vault: &vaultPlace{}})
	if got.State != broken {
		t.Errorf("got %v", got.State)
	}
}

// FuzzVaultFileName compares the name of a file with the one that the library gives it.
func FuzzVaultFileName(f *testing.F) {
	for _, name := range []string{"work", "a/b", "100%", "%2F", "a%/", "..", "\u00e4"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkName(name) != nil || len(vaultFileName(name)) > 200 || name == "." || name == ".." {
			return
		}
		place := vaultPlace{VaultPlaces: VaultPlaces{FileDir: t.TempDir()}, Open: true}
		store, err := openVault(File, place)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.set(name, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := checkVaultFile(place, name); err != nil {
			files, _ := filepath.Glob(filepath.Join(place.FileDir, "*"))
			t.Errorf("%v: %q", err, files)
		}
	})
}
