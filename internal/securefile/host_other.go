//go:build !linux

package securefile

import "runtime"

// Holder does not know.
func (*Dir) Holder(string) (pid int, command string, suspended bool) { return 0, "", false }

func ofWindows(string) bool { return runtime.GOOS == "windows" }

// NetworkDisk does not know either.
func NetworkDisk(string) string { return "" }
