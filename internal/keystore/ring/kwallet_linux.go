package ring

import (
	"github.com/99designs/keyring"
	"github.com/godbus/dbus"
)

const (
	walletService = "org.kde.kwalletd5" // KDE 6 answers to it, too
	walletPath    = "/modules/kwalletd5"
	wallet        = "org.kde.KWallet."
)

// kWallet is the wallet that KDE's own programs use.
type kWallet struct {
	library
	daemon dbus.BusObject
	handle int32
}

func openKWallet(ask bool) (backend, error) {
	conn, err := bus()
	if err != nil {
		return nil, err
	}
	k := kWallet{daemon: conn.Object(walletService, walletPath)}
	name, err := k.find(ask)
	if err != nil {
		return nil, err
	}
	// The library takes the handle of a refusal for one of a wallet without items.
	if err := k.daemon.Call(wallet+"open", 0, name, int64(0), service).Store(&k.handle); err != nil {
		return nil, err
	}
	if k.handle < 0 {
		return nil, trouble{state: denied}
	}
	k.library, err = openLibrary(KWallet, keyring.Config{ServiceName: name, KWalletAppID: service, KWalletFolder: service}, plainName)
	if err != nil {
		return nil, trouble{off, "DISABLE_KWALLET is set"}
	}
	return k, nil
}

// find returns the name of the wallet, if it is open or a person may be asked to open it.
func (k kWallet) find(ask bool) (name string, err error) {
	var enabled, open bool
	if err := k.daemon.Call(wallet+"isEnabled", 0).Store(&enabled); err != nil {
		return "", err
	}
	if !enabled {
		return "", trouble{off, "the KDE wallet subsystem is disabled"}
	}
	if err := k.daemon.Call(wallet+"networkWallet", 0).Store(&name); err != nil {
		return "", err
	}
	if err := k.daemon.Call(wallet+"isOpen", 0, name).Store(&open); err != nil {
		return "", err
	}
	if !open && !ask {
		return "", trouble{state: locked}
	}
	return name, nil
}

func (k kWallet) set(name string, value []byte) error {
	if err := k.library.set(name, value); err != nil {
		return err
	}
	return k.save()
}

func (k kWallet) remove(name string) error {
	if err := k.library.remove(name); err != nil {
		return err
	}
	return k.save()
}

// save has the daemon write the wallet, which it does seconds later else. The next call is
// answered only after that.
func (k kWallet) save() error {
	if err := k.daemon.Call(wallet+"sync", dbus.FlagNoReplyExpected, k.handle, service).Err; err != nil {
		return err
	}
	var open bool
	return k.daemon.Call(wallet+"isOpen", 0, k.handle).Store(&open)
}
