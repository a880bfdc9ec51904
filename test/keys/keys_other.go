//go:build !linux

// Package keys tidies up where there is a kernel's keyring.
package keys

// Remove does nothing: there is no such keyring.
func Remove(...string) {}
