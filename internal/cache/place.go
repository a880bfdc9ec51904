package cache

import "errors"

// Place is where a stored key rests.
type Place int

// The places.
const (
	Nowhere    Place = iota // it is made with the first session
	InKernel                // in memory of the kernel
	InFile                  // in a private file
	Unreadable              // in a file that cannot be used: the next session replaces it
)

// Place returns where the key rests, and for the last two places what keeps it from the better
// one. It makes no key.
func (s StoredKey) Place() (Place, error) {
	_, kernel := s.read()
	_, disk := s.file().read()
	switch {
	case kernel == nil:
		return InKernel, nil
	case disk == nil:
		return InFile, kernel
	case errors.Is(disk, ErrNoKey):
		return Nowhere, nil
	}
	return Unreadable, disk
}
