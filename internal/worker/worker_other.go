//go:build !linux

package worker

// The library uses D-Bus on Linux only.

func shut() {}

func admit() {}

// RestoreBus has nothing to restore.
func RestoreBus() {}
