//go:build !linux

package ring

// serveKernel has no kernel keyring to ask.
func serveKernel(request) answer { return answer{State: notBuilt} }

// ofBus knows no errors: D-Bus is for Linux.
func ofBus(error) trouble { return trouble{} }
