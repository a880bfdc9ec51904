package ring

import (
	"slices"
	"strings"

	"github.com/godbus/dbus"
)

// checkVaultService makes sure that aws-vault's collection or wallet is there and open, or that a
// person may be asked to open it.
func checkVaultService(req request) error {
	conn, err := bus()
	if err != nil {
		return err
	}
	if req.Kind == KWallet {
		return checkVaultWallet(conn, req.Ask)
	}
	s := secretService{library: library{key: itself}, conn: conn, ask: req.Ask}
	if s.collection, err = findNamed(conn, req.Vault.Collection); err != nil {
		return err
	}
	if s.collection == "" {
		return trouble{state: absent}
	}
	if err := s.checkUnlocked(); err != nil {
		return err
	}
	return s.checkSingle(req.Name)
}

// findNamed returns the collection that the library takes for the one of the name, or "".
func findNamed(conn *dbus.Conn, name string) (dbus.ObjectPath, error) {
	value, err := conn.Object(secrets, secretsPath).GetProperty(secretsService + ".Collections")
	if err != nil {
		return "", err
	}
	paths, _ := value.Value().([]dbus.ObjectPath)
	at := slices.IndexFunc(paths, func(path dbus.ObjectPath) bool {
		last, found := strings.CutPrefix(string(path), collectionsPath)
		return found && unescape(last) == name
	})
	if at < 0 {
		return "", nil
	}
	return paths[at], nil
}

// checkVaultWallet looks for the wallet "aws-vault": one that is not there would be created, and one
// that is closed opened.
func checkVaultWallet(conn *dbus.Conn, ask bool) error {
	daemon := conn.Object(walletService, walletPath)
	var enabled, open bool
	if err := daemon.Call(wallet+"isEnabled", 0).Store(&enabled); err != nil {
		return err
	}
	if !enabled {
		return trouble{off, "the KDE wallet subsystem is disabled"}
	}
	var wallets []string
	if err := daemon.Call(wallet+"wallets", 0).Store(&wallets); err != nil {
		return err
	}
	if !slices.Contains(wallets, vaultService) {
		return trouble{state: absent}
	}
	if err := daemon.Call(wallet+"isOpen", 0, vaultService).Store(&open); err != nil {
		return err
	}
	if !open && !ask {
		return trouble{state: locked}
	}
	var handle int32 // the library takes the handle of a refusal for one of a wallet without items
	if err := daemon.Call(wallet+"open", 0, vaultService, int64(0), vaultService).Store(&handle); err != nil {
		return err
	}
	if handle < 0 {
		return trouble{state: denied}
	}
	return nil
}
