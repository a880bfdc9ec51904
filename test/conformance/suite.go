package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// cellTimeout bounds one cell. Some wait for two time steps and an expiry.
const cellTimeout = 4 * time.Minute

// parallel is how many cells use the processor at once; more are waiting for a time step.
const parallel = 6

// suite is one run.
type suite struct {
	tools *tools
	options
	chosen *regexp.Regexp // the cells to run, as "client: case"
	log    io.Writer
}

// newRow finds out whether the client is there, and which version.
func (s *suite) newRow(ctx context.Context, c *client) *row {
	r := &row{client: c, cells: map[string]cell{}}
	out, err := exec.CommandContext(ctx, c.version[0], c.version[1:]...).Output()
	if err != nil {
		r.missing = c.howToGet
		return r
	}
	r.version = versionIn(string(out))
	return r
}

// newRows makes the rows, and builds what they need.
func (s *suite) newRows(ctx context.Context, all []testCase) []*row {
	var rows []*row
	failed := map[*kit]error{}
	for _, c := range clients(s.tools) {
		if s.core && !c.core {
			continue
		}
		chosen := func(name string) bool {
			return slices.ContainsFunc(all, func(tc testCase) bool { return s.chosen.MatchString(name + ": " + tc.name) })
		}
		if _, tried := failed[c.kit]; c.kit != nil && !tried && chosen(c.name) {
			failed[c.kit] = s.tools.install(ctx, c.kit)
		}
		r := s.newRow(ctx, c)
		if !chosen(c.name) && !chosen(r.name()) && !s.chosen.MatchString(r.name()+": load") {
			continue
		}
		if err := failed[c.kit]; err != nil {
			r.missing = err.Error()
		}
		if r.missing != "" {
			fmt.Fprintf(s.log, "MISSING %s: %s\n", c.name, r.missing)
		}
		rows = append(rows, r)
	}
	return rows
}

// number finds the first thing in a text that looks like a version.
var number = regexp.MustCompile(`\d+\.\d+[0-9A-Za-z.+-]*`)

func versionIn(text string) string { return strings.TrimSuffix(number.FindString(text), ".jar") }

// run runs all cells and returns the matrix.
func (s *suite) run(ctx context.Context) *matrix {
	m := &matrix{cases: cases(), required: s.required}
	if s.core {
		m.cases = slices.DeleteFunc(m.cases, func(tc testCase) bool { return tc.alone })
	}
	m.rows = s.newRows(ctx, m.cases)
	slots := make(chan struct{}, parallel)
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, tc := range inOrder(m.cases) {
		if tc.alone {
			group.Wait()
		}
		for _, r := range m.rows {
			if r.missing != "" || !s.chosen.MatchString(r.name()+": "+tc.name) {
				continue
			}
			group.Go(func() {
				slots <- struct{}{}
				began := time.Now()
				got := s.cell(ctx, r.client, tc, slots)
				mu.Lock()
				defer mu.Unlock()
				r.cells[tc.name] = got
				fmt.Fprintf(s.log, "%-4s %5.1fs %s: %s: %s\n", got.state, time.Since(began).Seconds(), r.name(), tc.name, got.text)
			})
			if tc.alone {
				group.Wait()
			}
		}
	}
	group.Wait()
	return m
}

// inOrder begins with the cases that wait, and ends with those that run alone.
func inOrder(all []testCase) []testCase {
	rank := func(tc testCase) int {
		switch {
		case tc.name == caseExpiry, tc.name == caseKilled:
			return 0
		case tc.alone:
			return 2
		default:
			return 1
		}
	}
	return slices.SortedStableFunc(slices.Values(all), func(a, b testCase) int { return rank(a) - rank(b) })
}

// cell runs one cell on a machine of its own, and gives a slot back.
func (s *suite) cell(ctx context.Context, c *client, tc testCase, slots chan struct{}) cell {
	if why := c.whyNot(tc.name); why != "" {
		<-slots
		return cell{impossible, why}
	}
	ctx, cancel := context.WithTimeout(ctx, cellTimeout)
	defer cancel()
	m, err := newMachine(s.tools, slots) //nolint:contextcheck // close ends it
	if err != nil {
		<-slots
		return cell{failed, err.Error()}
	}
	defer m.close()
	text, err := tc.run(ctx, c, m)
	if err == nil {
		err = c.explained(tc.name, text)
	}
	if err := errors.Join(err, m.checkConduct()); err != nil {
		return cell{failed, err.Error()}
	}
	return cell{passed, text}
}

// checkConduct makes sure of what holds in every cell: no code is sent twice, and nothing
// leaves the machine.
func (m *machine) checkConduct() error {
	var errs []error
	if repeated := m.Server.State().Repeated(); len(repeated) > 0 {
		errs = append(errs, fmt.Errorf("codes sent twice: %+v", repeated))
	}
	leaked := slices.DeleteFunc(m.wire.leaked(), func(host string) bool { return m.metadata && host == "169.254.169.254" })
	if len(leaked) > 0 {
		errs = append(errs, fmt.Errorf("the client has tried to reach %s", strings.Join(leaked, ", ")))
	}
	return errors.Join(errs...)
}
