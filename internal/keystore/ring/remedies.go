package ring

import "runtime"

// platform names the build, which decides what it contains.
func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// builtElsewhere returns what to do where a build has no such keyring.
func builtElsewhere(kind string) string {
	if kind == Keychain && runtime.GOOS == "darwin" {
		return "install the released build, or build with CGO_ENABLED=1"
	}
	return ""
}

// install returns how to get a service that nobody offers.
func install(kind string) string {
	if kind == KWallet {
		return "install kwalletd and log in to the desktop again"
	}
	return "install gnome-keyring or KeePassXC and log in to the desktop again"
}

// unlock returns how to unlock a keyring.
func unlock(kind, detail string) string {
	switch kind {
	case Keychain:
		return "run: security unlock-keychain"
	case KWallet:
		return "open the wallet in KWalletManager"
	case SecretService:
		return "log in to the desktop, or open Seahorse and unlock it"
	}
	return detail
}
