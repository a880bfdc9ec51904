//go:build !linux

package ring

// checkVaultService finds nothing to check: the keyrings of macOS and Windows create nothing when
// they are read.
func checkVaultService(request) error { return nil }
