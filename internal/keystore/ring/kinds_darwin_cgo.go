//go:build darwin && cgo

package ring

// Kinds returns the stores that this build contains, the most fitting first.
func Kinds() []string { return []string{Keychain, Pass} }
