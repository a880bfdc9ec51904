package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is a line of go test -json, see go doc test2json.
type event struct {
	Time                          time.Time
	Action, Package, Test, Output string
	Elapsed                       float64
}

// report counts what the tests do, and prints what a person wants to see of it.
type report struct {
	mu                      sync.Mutex
	out                     io.Writer
	passed, failed, skipped int
	output                  map[string][]string // what a package and each of its unfinished tests have printed
	broken                  map[string]bool     // packages in which a test has failed
	reasons                 map[string][]string // the tests that were skipped, by reason
	last                    time.Time           // when something was printed
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[string][]string{}, broken: map[string]bool{}, reasons: map[string][]string{}, last: time.Now()}
}

// follow reads events to their end.
func (r *report) follow(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (r *report) line(line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := event{Action: "build-output", Output: string(line)} // what is no event is go's own
	_ = json.Unmarshal(line, &e)
	name := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[name] = append(r.output[name], e.Output)
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.testEnded(e, r.output[name])
		} else {
			r.packageEnded(e, r.output[name])
		}
		delete(r.output, name)
	}
}

func (r *report) testEnded(e event, output []string) {
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		r.broken[e.Package] = true
		fmt.Fprint(r.out, strings.Join(output, ""))
	case "skip":
		r.skipped++
		why := reason(output)
		r.reasons[why] = append(r.reasons[why], e.Test)
	}
	if e.Time.Sub(r.last) > time.Minute {
		r.last = e.Time
		fmt.Fprintf(r.out, "...     %d tests so far\n", r.passed+r.failed+r.skipped)
	}
}

func (r *report) packageEnded(e event, output []string) {
	name := strings.TrimPrefix(strings.TrimPrefix(e.Package, module), "/")
	switch e.Action {
	case "pass":
		fmt.Fprintf(r.out, "ok      %-32s %6.1fs\n", name, e.Elapsed)
	case "fail":
		if !r.broken[e.Package] { // it was not built, or it ended outside its tests
			r.failed++
		}
		fmt.Fprint(r.out, strings.Join(r.unfinished(e.Package), ""), strings.Join(output, ""))
		fmt.Fprintf(r.out, "FAILED  %-32s %6.1fs\n", name, e.Elapsed)
	default:
		return // it has no tests
	}
	r.last = e.Time
}

// unfinished is what the tests of a package have printed that it has not ended: also why it ended before them.
func (r *report) unfinished(name string) (lines []string) {
	for _, test := range slices.Sorted(maps.Keys(r.output)) {
		if strings.HasPrefix(test, name+" ") {
			lines = append(lines, slices.DeleteFunc(r.output[test], func(line string) bool { return strings.HasPrefix(line, "=== ") })...)
			delete(r.output, test)
		}
	}
	return lines
}

// litter prints what the tests have left behind.
func (r *report) litter(left []string) {
	for _, name := range left {
		fmt.Fprintln(r.out, "left behind:", name)
	}
}

// place is what t.Skip puts before its text.
var place = regexp.MustCompile(`^ *\S+\.go:\d+: (?:SKIPPED[:,] )?`)

// reason finds why a test was skipped in what it printed.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if at := place.FindString(line); at != "" {
			return cmp.Or(strings.TrimSpace(line[len(at):]), "no reason given")
		}
	}
	return "no reason given"
}

func (r *report) summary(took time.Duration) {
	if r.skipped > 0 {
		fmt.Fprintln(r.out, "\nskipped:")
	}
	for _, why := range slices.Sorted(maps.Keys(r.reasons)) {
		tests := r.reasons[why]
		fmt.Fprintf(r.out, "%5d  %s (%s%s)\n", len(tests), why, tests[0], map[bool]string{true: ", ..."}[len(tests) > 1])
	}
	fmt.Fprintf(r.out, "\nafter %v:\n%d passed, %d failed, %d skipped\n", took.Round(time.Second), r.passed, r.failed, r.skipped)
}
