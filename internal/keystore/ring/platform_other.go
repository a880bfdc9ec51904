//go:build !linux && !darwin && !windows

package ring

// Kinds returns the stores that this build contains.
func Kinds() []string { return []string{Pass} }

// open opens the keyring of a request.
func open(req request) (backend, error) { return openPass(req.Ask) }
