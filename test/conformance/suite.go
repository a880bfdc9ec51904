package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
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
	only  *regexp.Regexp // the cells to run, as "client: case"
	log   io.Writer
}

// newRow finds out whether the client is there, and which version.
func (s *suite) newRow(ctx context.Context, c *client) *row {
	r := &row{client: c, cells: map[string]cell{}}
	out, err := exec.CommandContext(ctx, c.version[0], c.version[1:]...).Output()
	if err != nil {
		r.missing = true
		return r
	}
	r.version = versionIn(string(out))
	return r
}

// number finds the first thing in a text that looks like a version.
var number = regexp.MustCompile(`\d+\.\d+[0-9A-Za-z.+-]*`)

func versionIn(text string) string { return number.FindString(text) }

// run runs all cells and returns the matrix.
func (s *suite) run(ctx context.Context) *matrix {
	m := &matrix{cases: cases()}
	slots := make(chan struct{}, parallel)
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, c := range clients(s.tools) {
		r := s.newRow(ctx, c)
		m.rows = append(m.rows, r)
		if r.missing {
			fmt.Fprintf(s.log, "MISSING %s: %s\n", c.name, c.howToGet)
			continue
		}
	}
	for _, tc := range longestFirst(m.cases) {
		for _, r := range m.rows {
			if r.missing || !s.only.MatchString(r.name()+": "+tc.name) {
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
		}
	}
	group.Wait()
	return m
}

// longestFirst begins with the cases that wait.
func longestFirst(all []testCase) []testCase {
	var waiting, others []testCase
	for _, tc := range all {
		switch tc.name {
		case caseExpiry, caseKilled:
			waiting = append(waiting, tc)
		default:
			others = append(others, tc)
		}
	}
	return append(waiting, others...)
}

// cell runs one cell on a machine of its own, and gives a slot back.
func (s *suite) cell(ctx context.Context, c *client, tc testCase, slots chan struct{}) cell {
	if why := c.cannot[tc.name]; why != "" {
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
	if leaked := m.wire.leaked(); len(leaked) > 0 {
		errs = append(errs, fmt.Errorf("the client has tried to reach %s", strings.Join(leaked, ", ")))
	}
	return errors.Join(errs...)
}

// inCI reports whether a missing client is a failure.
func inCI() bool { return os.Getenv("CI") == "true" }
