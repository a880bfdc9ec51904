package ring

import "github.com/99designs/keyring"

// open opens the keyring of a request.
func open(req request) (backend, error) {
	if req.Kind == Pass {
		return openPass(req.Ask)
	}
	// The item trusts the program that has stored it, so that reading it asks nobody. That
	// nobody is asked by a locked keychain either is up to the limit: Keychain Services have a
	// switch for it, but the library does not pass it on.
	return openLibrary(Keychain, keyring.Config{KeychainTrustApplication: true, KeychainAccessibleWhenUnlocked: true}, func(name string) string { return name })
}
