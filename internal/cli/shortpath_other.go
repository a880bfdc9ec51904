//go:build !windows

package cli

// shortPath is for Windows.
func shortPath(path string) string { return path }
