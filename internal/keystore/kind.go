package keystore

import "github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"

// The kinds of stores, as profiles.ini names them.
const (
	KindEnv           = envstore.Kind    // AWS_MFA_CREDS_* variables, for CI
	KindAge           = "age"            // files encrypted with age
	KindKeychain      = "keychain"       // macOS Keychain
	KindWinCred       = "wincred"        // Windows Credential Manager
	KindSecretService = "secret-service" // GNOME Keyring, KeePassXC and others, over D-Bus
	KindKWallet       = "kwallet"        // KDE Wallet
	KindPass          = "pass"           // pass, the standard unix password manager
	KindKeyctl        = "keyctl"         // the keyring of the Linux kernel: in memory only
)
