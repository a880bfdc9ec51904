package ring

// The kinds of stores that this package opens, as profiles.ini names them.
const (
	Keychain      = "keychain"       // macOS Keychain
	WinCred       = "wincred"        // Windows Credential Manager
	SecretService = "secret-service" // GNOME Keyring, KeePassXC and others, over D-Bus
	KWallet       = "kwallet"        // KDE Wallet
	Pass          = "pass"           // pass, the standard unix password manager
	Keyctl        = "keyctl"         // the keyring of the Linux kernel: in memory only
)

// title returns how people call a kind of store.
func title(kind string) string {
	switch kind {
	case Keychain:
		return "the macOS Keychain"
	case WinCred:
		return "the Windows Credential Manager"
	case SecretService:
		return "the keyring (Secret Service)"
	case KWallet:
		return "KDE Wallet"
	case Pass:
		return "pass"
	case Keyctl:
		return "the kernel's keyring"
	}
	return "store " + kind
}
