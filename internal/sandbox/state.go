package sandbox

import (
	"maps"
	"slices"
	"time"
)

// Count is what happened to the calls of one action.
type Count struct {
	Calls    int `json:"calls"`    // all that arrived
	Accepted int `json:"accepted"` // processed, and done
	Refused  int `json:"refused"`  // processed, and refused
	Faulted  int `json:"faulted"`  // struck by a fault before they were processed
}

// State is what the server has seen so far. It holds no secret.
type State struct {
	Clock       time.Time        `json:"clock"`
	Connections int              `json:"connections"` // TCP connections accepted, those of /_sandbox/ included
	Sessions    int              `json:"sessions"`    // given out
	Faults      int              `json:"faults"`      // waiting for a call
	Actions     map[string]Count `json:"actions"`     // by action; "" is a request without one
	Refusals    map[string]int   `json:"refusals"`    // by error code, of processed calls
	Attempts    []Attempt        `json:"attempts"`    // every token code, in the order of arrival
}

// Count returns what happened to the calls of an action.
func (s State) Count(action string) Count { return s.Actions[action] }

// Repeated returns the attempts whose code had been sent for that device
// before. A correct client leaves none.
func (s State) Repeated() []Attempt {
	type code struct {
		serial, digest string
		step           int64
	}
	var repeated []Attempt
	seen := map[code]bool{}
	for _, attempt := range s.Attempts {
		// Of no known step, the code itself tells; and a device that was made anew has the
		// serial of the old one, but other codes.
		key := code{attempt.Serial, attempt.Digest, attempt.Step}
		if seen[key] {
			repeated = append(repeated, attempt)
		}
		seen[key] = true
	}
	return repeated
}

// state returns a copy of the counters. It takes the lock.
func (a *account) state() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	state := State{
		Sessions: len(a.sessions),
		Actions:  map[string]Count{},
		Refusals: maps.Clone(a.codes),
		Attempts: slices.Clone(a.attempts),
	}
	for action, count := range a.actions {
		state.Actions[action] = *count
	}
	return state
}

// counter returns the count of an action, to change.
func (a *account) counter(action string) *Count {
	if a.actions[action] == nil {
		a.actions[action] = &Count{}
	}
	return a.actions[action]
}

func (a *account) count(action string, refused *refusal) {
	count := a.counter(action)
	count.Calls++
	if refused == nil {
		count.Accepted++
		return
	}
	count.Refused++
	a.codes[refused.code]++
}

// skip counts a call that a fault kept from being processed. It takes the lock.
func (a *account) skip(r *request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	count := a.counter(r.action)
	count.Calls++
	count.Faulted++
	a.noteUnjudged(r)
}
