//go:build !linux

package busguard

// The library uses D-Bus on Linux only.

func shut() {}

func admit() {}

// Restore has nothing to restore.
func Restore() {}
