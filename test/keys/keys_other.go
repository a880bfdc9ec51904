//go:build !linux

package testbed

// RemoveKeys does nothing: there is no such keyring.
func RemoveKeys(string) {}
