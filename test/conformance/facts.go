package main

import (
	"context"
	"fmt"
	"strings"
)

// fact is something measured beside the matrix.
type fact struct {
	name, text string
	err        error
}

// load runs so many signed requests of a client, one after the other, from an empty cache.
type load struct {
	client   string // the beginning of its name
	requests int
	runs     int // helper runs
}

// loads stand for a long synchronisation: many requests of one program, and a shell script
// of many commands. Processes are dear, so there are fewer of those.
func loads() []load {
	return []load{{"boto3", 200, 1}, {"AWS CLI", 30, 30}}
}

// measure runs the loads with the first client of each kind.
func (s *suite) measure(ctx context.Context, m *matrix) {
	for _, l := range loads() {
		for _, r := range m.rows {
			if name := r.name() + ": load"; r.missing == "" && strings.HasPrefix(r.name(), l.client) && s.chosen.MatchString(name) {
				m.facts = append(m.facts, s.carry(ctx, r, l))
				break
			}
		}
	}
}

func (s *suite) carry(ctx context.Context, r *row, l load) fact {
	f := fact{name: fmt.Sprintf("%d requests of %s", l.requests, r.name())}
	slots := make(chan struct{}, 1)
	slots <- struct{}{}
	machine, err := newMachine(s.tools, slots) //nolint:contextcheck // close ends it
	if err != nil {
		f.err = err
		return f
	}
	defer machine.close()
	a, err := r.client.start(ctx, machine, plainProfile)
	if err != nil {
		f.err = err
		return f
	}
	defer a.close()
	for range l.requests {
		if f.err = a.ask(ctx); f.err != nil {
			return f
		}
	}
	runs, mints := len(machine.runs()), machine.mints()
	f.text = fmt.Sprintf("%d helper runs, %d GetSessionToken", runs, mints)
	if runs != l.runs || mints != 1 {
		f.err = fmt.Errorf("%s, want %d and 1", f.text, l.runs)
	}
	return f
}
