package rules

import (
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

const (
	// refreshWindow is when a session is replaced although it is valid. botocore and
	// the .NET SDK ask again on every request below 15 minutes, so that exactly
	// 15 is not enough.
	refreshWindow = 20 * time.Minute

	// keepServing is what a session must have left to be served when its refresh
	// failed.
	keepServing = 2 * time.Minute

	// MinRemaining is what a session must have left to be handed out at all.
	MinRemaining = time.Minute

	// backJump is how far before its minting a session may seem to be used. More
	// means that the clock has jumped back and the expiry cannot be judged.
	backJump = 5 * time.Minute
)

// Fresh reports whether s can be served at now, AWS's time, without any thought of
// a refresh.
func Fresh(s creds.Session, now time.Time) bool {
	return s.Remaining(now) > min(refreshWindow, s.Lifetime()/3)
}

// Usable reports whether s can still be served when its refresh has failed.
func Usable(s creds.Session, now time.Time) bool { return s.Remaining(now) > keepServing }

// Valid reports whether s can be handed out at all.
func Valid(s creds.Session, now time.Time) bool {
	return s.Remaining(now) >= MinRemaining && now.After(s.Minted.Add(-backJump))
}
