// Package totp computes the one-time codes of RFC 4226 and RFC 6238 as AWS uses
// them (HMAC-SHA-1, six digits, 30 seconds) and reads the seeds they come from,
// in every spelling that people paste.
//
// Time is always an argument. A Seed and a code cannot be printed by accident:
// both are creds.Secret inside.
package totp

import "time"

// Period is how long a time step lasts: X of RFC 6238 section 4.1. AWS offers no
// other.
const Period = 30 * time.Second

// Step is the number of a time step since 1970: T of RFC 6238 section 4.2, with
// T0 = 0. A device's code for one step is accepted once.
type Step uint64

// lastStep is where Start and End stop growing. It lies some 130 billion years
// ahead; beyond it a time.Time would wrap round, and a damaged step number would
// look like the past.
const lastStep Step = 1 << 57

// StepAt returns the step that t lies in, which is 0 for any t before 1970.
func StepAt(t time.Time) Step {
	return Step(max(t.Unix(), 0)) / seconds
}

// Start returns the first instant of the step, in UTC.
func (s Step) Start() time.Time {
	return time.Unix(int64(min(s, lastStep)*seconds), 0).UTC()
}

// End returns the first instant after the step, in UTC.
func (s Step) End() time.Time { return s.Start().Add(Period) }

const seconds = Step(Period / time.Second)
