// Package rules holds what package session decides by, as values without side effects: which session a
// plan means (plan.go), when a cached session may be returned (window.go), which time steps of a device
// are spent (record.go), how long to leave AWS alone after a failure (failure.go), and what AWS's clock
// shows (clock.go). Package cache stores the records and the clock.
//
// The warm path needs these rules too (see package warm), so this package imports nothing that Go
// initializes late: no log/slog, no SDK, no golang.org/x/sys.
package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

const (
	// MinStepLeft is what the time step of a code must have left when the code is sent.
	MinStepLeft = 2 * time.Second

	// MaxOutdated is how often a code may become out of date before it is sent.
	MaxOutdated = 3

	// keptSteps is how many steps a list of a record remembers. Two a minute are the most a device can
	// spend, so this covers far more than AWS's window. Both lists, whoever wrote them, hold a device up
	// for less than the longest hold-off.
	keptSteps = 12

	// reach is how many steps ahead of the current one a code can be and still
	// be taken by AWS. What was sent further ahead came from a wrong clock.
	reach = 1
)

// Record is what is remembered about one MFA device, or about one role that is
// assumed from a session. It is shared by all processes of the user, changed only under the
// lock of its device or role, and may be lost without harm: STS is the last
// fence. The zero value is an empty record.
type Record struct {
	// Sent holds the time steps whose codes AWS may have accepted, oldest first.
	Sent []totp.Step `json:"sent,omitempty"`

	// Refused holds the time steps whose codes AWS has certainly not accepted,
	// oldest first. They are not sent again, but do not block those before them.
	Refused []totp.Step `json:"refused,omitempty"`

	// Accepted is the mark of the secrets with which AWS has last accepted a code: they are right.
	Accepted string `json:"accepted,omitempty"`

	// Code is the mark of the last code that may have been sent: a program that makes the codes may print
	// one twice.
	Code string `json:"code,omitempty"`

	// Failures holds the last failure of each session, by the session's id.
	Failures map[string]Failure `json:"failures,omitempty"`
}

// Bare returns what of r may be told, and believed, where anybody can have written it: no text of a
// failure, and no mark.
func (r Record) Bare() Record {
	all := make(map[string]Failure)
	for id, f := range r.Failures {
		f.Thing, f.Remedy, f.Mark = "", "", ""
		f.Cause = fmt.Sprintf("the last attempt failed with exit code %d", f.Err().Kind)
		all[id] = f
	}
	return Record{Sent: r.Sent, Refused: r.Refused, Failures: all}
}

// Bounded returns what of r, read from a file at now, this machine's time, is within the bounds that
// hold for what is stored.
func (r Record) Bounded(now time.Time) Record {
	r.Sent, r.Refused = last(r.Sent), last(r.Refused)
	prune(r.Failures, now)
	return r
}

// Next returns the first time step, from current on, whose code may be sent: one
// that was never sent, and later than all that AWS may have accepted, because a
// verifier must not take a code twice (RFC 6238 section 5.2) and may refuse
// those before the last it took.
func (r Record) Next(current totp.Step) totp.Step {
	next := current
	for _, sent := range r.Sent {
		if sent >= next && sent <= current+reach {
			next = sent + 1
		}
	}
	for slices.Contains(r.Sent, next) || slices.Contains(r.Refused, next) {
		next++
	}
	return next
}

// Claim notes that the code of step is about to be sent. It has to be stored
// before the code leaves, so that a process killed in between leaves it claimed.
func (r *Record) Claim(step totp.Step) { r.Sent = latest(r.Sent, step) }

// Free takes a claim back: the code of step was certainly not sent.
func (r *Record) Free(step totp.Step) { r.Sent, r.Code = without(r.Sent, step), "" }

// Refuse notes that AWS has refused the claimed code of step as a code.
func (r *Record) Refuse(step totp.Step) {
	r.Sent = without(r.Sent, step)
	r.Refused = latest(r.Refused, step)
}

// latest returns a copy of steps with step added, cut to the last keptSteps.
func latest(steps []totp.Step, step totp.Step) []totp.Step {
	return last(append(slices.Clone(steps), step))
}

func last(steps []totp.Step) []totp.Step { return steps[max(0, len(steps)-keptSteps):] }

// without returns a copy of steps without step.
func without(steps []totp.Step, step totp.Step) []totp.Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s totp.Step) bool { return s == step })
}
