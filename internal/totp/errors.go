package totp

import "fmt"

// SeedError says why a text is not a seed that AWS could use. No part of it
// repeats the text, but for the one character that is wrong.
type SeedError struct {
	Problem string // what is wrong, lower case, no final period: "seed is empty"
	Remedy  string // what to do about it, in the same form; never empty

	// Weak is set if Policy.AllowWeak would have accepted the seed, so that a
	// command can name its flag for that.
	Weak bool
}

// Error returns "<Problem>; <Remedy>".
func (e *SeedError) Error() string { return e.Problem + "; " + e.Remedy }

// copyAgain is the remedy for everything that a careful copy mends.
const copyAgain = "copy the whole seed again"

// refuse returns a SeedError whose problem is formatted as by fmt.Sprintf.
func refuse(remedy, problem string, args ...any) *SeedError {
	return &SeedError{Problem: fmt.Sprintf(problem, args...), Remedy: remedy}
}
