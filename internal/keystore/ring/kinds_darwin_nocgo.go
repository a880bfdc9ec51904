//go:build darwin && !cgo

package ring

// Kinds returns the stores that this build contains: built without cgo, it cannot reach the
// Keychain.
func Kinds() []string { return []string{Pass} }
