package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
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
	missing bool
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
	cases []testCase
	rows  []*row
	facts []fact
}

// failures returns what has failed, a line each.
func (m *matrix) failures() []string {
	var lines []string
	for _, r := range m.rows {
		if r.missing && inCI() && !r.client.optional {
			lines = append(lines, fmt.Sprintf("%s is missing: %s", r.client.name, r.client.howToGet))
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
	fmt.Fprint(w, "| client |")
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

// shown returns the cells of a row in the order of the columns.
func (m *matrix) shown(r *row) []string {
	var texts []string
	for _, tc := range m.cases {
		if r.missing {
			texts = append(texts, "missing")
			continue
		}
		texts = append(texts, r.cells[tc.name].shown())
	}
	return texts
}

// writeNotes tells what the columns mean, why cells cannot be, and what else was measured.
func (m *matrix) writeNotes(w io.Writer, bullet string) {
	for _, tc := range m.cases {
		fmt.Fprintf(w, "%s%s: %s\n", bullet, tc.name, tc.legend)
	}
	for _, r := range m.rows {
		for _, tc := range m.cases {
			if c := r.cells[tc.name]; c.state == impossible {
				fmt.Fprintf(w, "%sn/a for %s, %s: %s\n", bullet, r.name(), tc.name, c.text)
			}
		}
	}
	for _, r := range m.rows {
		if r.client.note != "" {
			fmt.Fprintf(w, "%s%s: %s\n", bullet, r.name(), r.client.note)
		}
	}
	for _, f := range m.facts {
		fmt.Fprintf(w, "%s%s: %s\n", bullet, f.name, f.text)
	}
}
