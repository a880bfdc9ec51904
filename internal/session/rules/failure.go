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
)

// Failure is the last failure to mint one session. It is stored in clear, so it
// holds the three parts of a fault.Error, which are free of secrets.
type Failure struct {
	At     time.Time  `json:"at"` // this machine's clock
	Kind   fault.Kind `json:"kind"`
	Thing  string     `json:"thing"`
	Cause  string     `json:"cause"`
	Remedy string     `json:"remedy,omitempty"`
	Count  int        `json:"count"` // failures of this kind in a row

	// Until is when AWS may be asked again; before it the failure is repeated
	// without asking. Zero: at any time.
	Until time.Time `json:"until,omitzero"`
}

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
	wait := f.Until.Sub(now).Round(time.Second)
	f.Cause = fmt.Sprintf("%s (remembered from %s ago; AWS is asked again in %s)", f.Cause, now.Sub(f.At).Round(time.Second), wait)
	f.Remedy = strings.TrimPrefix(f.Remedy+"; once corrected: aws-mfa-creds get --refresh --profile NAME", "; ")
	return f
}

// Fail notes at now that the session id could not be minted, and sets the
// hold-off that such a failure calls for.
func (r *Record) Fail(id string, err error, now time.Time) {
	failure := describe(err, now)
	if last, ok := r.Failures[id]; ok && last.Kind == failure.Kind {
		failure.Count = last.Count + 1
	}
	if hold := holdOff(failure.Kind, failure.Count); hold > 0 {
		failure.Until = failure.At.Add(hold)
	}
	r.note(id, failure, now)
}

// Note notes at now that the session id could not be minted because the session it
// is minted from could not: that one has the hold-off.
func (r *Record) Note(id string, err error, now time.Time) {
	r.note(id, describe(err, now), now)
}

func (r *Record) note(id string, failure Failure, now time.Time) {
	failures := maps.Clone(r.Failures)
	if failures == nil {
		failures = make(map[string]Failure)
	}
	failures[id] = failure
	prune(failures, now)
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
// out; a throttled caller has to slow down; everything else may be tried at once.
func holdOff(kind fault.Kind, count int) time.Duration {
	var hold, limit time.Duration
	switch kind {
	case fault.Refused, fault.Clock:
		hold, limit = 30*time.Second, 15*time.Minute
	case fault.Unavailable:
		hold, limit = 5*time.Second, time.Minute
	default:
		return 0
	}
	for i := 1; i < count && hold < limit; i++ {
		hold *= 2
	}
	return min(hold, limit)
}

func describe(err error, now time.Time) Failure {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		f = fault.New(fault.Internal, "", "", "unexpected failure")
	}
	return Failure{At: now.UTC(), Kind: f.Kind, Thing: cut(f.Thing), Cause: cut(f.Cause), Remedy: cut(f.Remedy), Count: 1}
}

// cut shortens a part of a failure to what a person will read: parts of it may come from the
// network, and a record that outgrows its file would lose the spent steps with it.
func cut(part string) string { return part[:min(len(part), maxPart)] }

// prune drops what is too old to matter and, beyond keptFailures, the oldest.
func prune(failures map[string]Failure, now time.Time) {
	maps.DeleteFunc(failures, func(_ string, f Failure) bool { return now.Sub(f.At) > forgetAfter })
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
