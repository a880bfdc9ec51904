//go:build !linux

package doctor

// networkDisk is not found out here.
func networkDisk(string) string { return "" }
