package rules

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const (
	// keptFailures caps a record: a device serves a handful of sessions.
	keptFailures = 64

	// maxPart caps each part of a failure, in bytes.
	maxPart = 512

	// forgetAfter is how long a failure is remembered for `list`.
	forgetAfter = 7 * 24 * time.Hour

	// longestHold is how long AWS is left alone at most, and how soon after that a failure has to
	// follow to be the next in a row.
	longestHold = 15 * time.Minute
)

// Failure is the last failure to mint one session. It holds the three parts of a fault.Error, which are
// free of secrets.
type Failure struct {
	At     time.Time  `json:"at"` // this machine's clock
	Kind   fault.Kind `json:"kind"`
	Code   bool       `json:"code,omitempty"` // AWS refused the token code
	Thing  string     `json:"thing,omitempty"`
	Cause  string     `json:"cause,omitempty"`
	Remedy string     `json:"remedy,omitempty"`
	Count  int        `json:"count"` // failures of this kind in a row

	// Until is when AWS may be asked again; before it the failure is repeated
	// without asking. Zero: at any time.
	Until time.Time `json:"until,omitzero"`

	// Mark is a digest of what AWS refused: the secrets, and where it was asked. If they have changed,
	// the failure says nothing any more. It is empty if it matters to no answer.
	Mark string `json:"mark,omitempty"`
}

// NewFailure describes err, which happened at now.
func NewFailure(err error, now time.Time) Failure {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		f = fault.New(fault.Internal, "", "", "unexpected failure")
	}
	return Failure{At: now.UTC(), Kind: f.Kind, Thing: cut(f.Thing), Cause: cut(f.Cause), Remedy: cut(f.Remedy), Count: 1}
}

// cut shortens a part of a failure to what a person will read: parts of it may come from the
// network, and a record that outgrows its file would lose the spent steps with it.
func cut(part string) string { return part[:min(len(part), maxPart)] }

// Err returns the failure as the error it was. A kind that there is not, from a damaged file,
// becomes Internal, since it would be an exit code.
func (f Failure) Err() *fault.Error {
	if f.Kind < fault.Internal || f.Kind > fault.Permissions {
		f.Kind = fault.Internal
	}
	return &fault.Error{Kind: f.Kind, Thing: f.Thing, Cause: f.Cause, Remedy: f.Remedy}
}

// Repeated returns the failure as it is told at now, while it is held off.
func (f Failure) Repeated(now time.Time) Failure {
	f.Cause = fmt.Sprintf("%s (remembered from %s ago; AWS is asked again in %s)", f.Cause, fault.About(now.Sub(f.At)), fault.About(f.Until.Sub(now)))
	f.Remedy = strings.TrimPrefix(f.Remedy+"; once corrected: aws-mfa-creds get --refresh --profile NAME", "; ")
	return f
}

// follows reports whether f is the next in a row after last: for the same cause, and not long after.
func (f Failure) follows(last Failure) bool {
	ended := last.Until
	if ended.IsZero() {
		ended = last.At
	}
	return f.Kind == last.Kind && f.Code == last.Code && f.Mark == last.Mark && f.At.Sub(ended) <= longestHold
}

// Fail notes that the session id could not be minted, and sets the hold-off that such a failure
// calls for. It returns what it has noted.
func (r *Record) Fail(id string, f Failure) Failure {
	if last, ok := r.Failures[id]; ok && f.follows(last) {
		f.Count = last.Count + 1
	}
	if hold := holdOff(f.Kind, f.Count); hold > 0 {
		f.Until = f.At.Add(hold)
	}
	r.Note(id, f)
	return f
}

// Note notes that the session id could not be minted, without a hold-off: the session it is minted
// from has one.
func (r *Record) Note(id string, f Failure) {
	failures := maps.Clone(r.Failures)
	if failures == nil {
		failures = make(map[string]Failure)
	}
	failures[id] = f
	prune(failures, f.At)
	r.Failures = failures
}

// Succeed forgets the failure of the session id.
func (r *Record) Succeed(id string) {
	failures := maps.Clone(r.Failures)
	delete(failures, id)
	r.Failures = failures
}

// Held returns the failure of the session id if AWS must not be asked again yet
// at now.
func (r Record) Held(id string, now time.Time) (Failure, bool) {
	failure, ok := r.Failures[id]
	return failure, ok && now.Before(failure.Until) && !now.Before(failure.At)
}

// FailedSince returns the failure of the session id if it happened after start,
// and not after now.
func (r Record) FailedSince(id string, start, now time.Time) (Failure, bool) {
	failure, ok := r.Failures[id]
	return failure, ok && failure.At.After(start) && !failure.At.After(now)
}

// holdOff returns how long to leave AWS alone after count failures of one kind in
// a row. A refusal is definite, and repeating it by the hundred may lock the user
// out; a throttled caller has to slow down; a clock may be set at any moment; everything else may be
// tried at once.
func holdOff(kind fault.Kind, count int) time.Duration {
	var hold, limit time.Duration
	switch kind {
	case fault.Refused:
		hold, limit = 30*time.Second, longestHold
	case fault.Unavailable, fault.Clock:
		hold, limit = 5*time.Second, time.Minute
	default:
		return 0
	}
	for i := 1; i < count && hold < limit; i++ {
		hold *= 2
	}
	return min(hold, limit)
}

// prune drops what is too old to matter, what cannot be, and, beyond keptFailures, the oldest.
func prune(failures map[string]Failure, now time.Time) {
	maps.DeleteFunc(failures, func(_ string, f Failure) bool {
		return f.At.After(now) || now.Sub(f.At) > forgetAfter || f.Until.After(f.At.Add(longestHold))
	})
	for len(failures) > keptFailures {
		oldest := ""
		for id, f := range failures {
			if oldest == "" || f.At.Before(failures[oldest].At) {
				oldest = id
			}
		}
		delete(failures, oldest)
	}
}
