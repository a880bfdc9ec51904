//go:build !linux && !darwin

package harden

// Process does nothing where the platform offers nothing.
func Process() {}

// Undo has nothing to undo.
func Undo() {}
