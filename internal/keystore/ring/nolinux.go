//go:build !linux

package ring

// serveKernel has no kernel keyring to ask.
func serveKernel(request) ([]byte, error) { return nil, trouble{state: notBuilt} }

// D-Bus is for Linux.

func openSecretService(bool) (backend, error) { return nil, trouble{state: notBuilt} }

func openKWallet(bool) (backend, error) { return nil, trouble{state: notBuilt} }

// ofBus knows no errors.
func ofBus(error) trouble { return trouble{} }
