package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// state is how a cell has ended.
type state string

const (
	passed     state = "ok"
	failed     state = "FAIL"
	impossible state = "n/a"
)

// cell is one run of a client in a case.
type cell struct {
	state state
	text  string // what was seen; why it has failed; why it cannot be
}

// shown returns what the matrix shows of a cell.
func (c cell) shown() string {
	switch c.state {
	case passed:
		return c.text
	case "":
		return "-"
	default:
		return string(c.state)
	}
}

// row is a client with its cells, by case.
type row struct {
	client  *client
	version string
	missing string // why it is not there; empty: it is
	cells   map[string]cell
}

// name returns the client and its version; a model says that it is one.
func (r *row) name() string {
	if r.client.model != "" {
		return r.client.name + " (model of " + r.client.model + ")"
	}
	return strings.TrimSpace(r.client.name + " " + r.version)
}

// matrix is the result of a run.
type matrix struct {
	cases    []testCase
	rows     []*row
	facts    []fact
	required bool // a client that is missing is a failure
}

// failures returns what has failed, a line each.
func (m *matrix) failures() []string {
	var lines []string
	for _, r := range m.rows {
		if r.missing != "" && m.required && !r.client.optional {
			lines = append(lines, fmt.Sprintf("%s is missing: %s", r.client.name, brief(r.missing)))
		}
		for _, tc := range m.cases {
			if c := r.cells[tc.name]; c.state == failed {
				lines = append(lines, fmt.Sprintf("%s: %s: %s", r.name(), tc.name, brief(c.text)))
			}
		}
	}
	for _, f := range m.facts {
		if f.err != nil {
			lines = append(lines, fmt.Sprintf("%s: %s", f.name, brief(f.err.Error())))
		}
	}
	return lines
}

// brief keeps a text to a size that can be read.
func brief(text string) string {
	const limit = 600
	if text = strings.Join(strings.Fields(text), " "); len(text) > limit {
		return text[:limit] + " ..."
	}
	return text
}

// writeText writes the matrix for a terminal.
func (m *matrix) writeText(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "client")
	for _, tc := range m.cases {
		fmt.Fprintf(table, "\t%s", tc.name)
	}
	fmt.Fprintln(table)
	for _, r := range m.rows {
		fmt.Fprint(table, r.name())
		for _, text := range m.shown(r) {
			fmt.Fprintf(table, "\t%s", text)
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush()
	fmt.Fprintln(w)
	m.writeNotes(w, "")
}

// writeMarkdown writes the matrix for docs/conformance.md.
func (m *matrix) writeMarkdown(w io.Writer) {
	fmt.Fprintf(w, "Made on %s, on %s/%s.\n\n| client |", time.Now().UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH)
	for _, tc := range m.cases {
		fmt.Fprintf(w, " %s |", tc.name)
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", len(m.cases)+1))
	for _, r := range m.rows {
		fmt.Fprintf(w, "| %s | %s |\n", r.name(), strings.Join(m.shown(r), " | "))
	}
	fmt.Fprintln(w)
	m.writeNotes(w, "- ")
}

// The marks in docs/conformance.md between which the matrix is.
const (
	beginMark = "<!-- written by make conformance -->\n"
	endMark   = "<!-- end -->\n"
)

// writeInto replaces what the file at path has between its marks.
func (m *matrix) writeInto(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(content), beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return fmt.Errorf("%s: there is no place for the matrix", path)
	}
	var text strings.Builder
	m.writeMarkdown(&text)
	return os.WriteFile(path, []byte(before+beginMark+text.String()+endMark+after), 0o644)
}

// shown returns the cells of a row in the order of the columns.
func (m *matrix) shown(r *row) []string {
	var texts []string
	for _, tc := range m.cases {
		if r.missing != "" {
			texts = append(texts, "missing")
			continue
		}
		texts = append(texts, r.cells[tc.name].shown())
	}
	return texts
}

// writeNotes tells what the columns mean, why cells are as they are, and what else was measured.
func (m *matrix) writeNotes(w io.Writer, bullet string) {
	for _, tc := range m.cases {
		fmt.Fprintf(w, "%s%s: %s\n", bullet, tc.name, tc.legend)
	}
	fmt.Fprintln(w)
	for _, r := range m.rows {
		m.writeCauses(w, bullet+r.name(), r)
	}
	for _, f := range m.facts {
		fmt.Fprintf(w, "%s%s: %s\n", bullet, f.name, f.text)
	}
}

// writeCauses tells why cells of a row cannot be or are not as one would wish: columns with the same cause
// together.
func (m *matrix) writeCauses(w io.Writer, label string, r *row) {
	columns := map[string][]string{}
	var causes []string
	for _, tc := range m.cases {
		cause := r.client.cause[tc.name]
		if c := r.cells[tc.name]; c.state == impossible {
			cause = "n/a: " + c.text
		}
		if columns[cause] == nil {
			causes = append(causes, cause)
		}
		columns[cause] = append(columns[cause], tc.name)
	}
	for _, cause := range causes {
		if cause != "" {
			fmt.Fprintf(w, "%s: %s: %s\n", label, strings.Join(columns[cause], ", "), cause)
		}
	}
	if r.client.note != "" {
		fmt.Fprintf(w, "%s: %s\n", label, r.client.note)
	}
}
