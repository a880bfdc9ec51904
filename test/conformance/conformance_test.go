package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// TestConformance is the suite with few clients. Each cell of the matrix is a subtest.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: it takes minutes")
	}
	m, err := conform(context.Background(), options{core: true}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.rows {
		t.Run(r.client.name, func(t *testing.T) { checkRow(t, m, r) })
	}
	for _, f := range m.facts {
		if f.err != nil {
			t.Errorf("%s: %v", f.name, f.err)
		}
	}
	var text strings.Builder
	m.writeText(&text)
	t.Log("\n" + text.String())
}

func checkRow(t *testing.T, m *matrix, r *row) {
	if r.missing != "" {
		if os.Getenv("CI") == "true" && !r.client.optional {
			t.Fatalf("%s is missing: %s", r.client.name, r.missing)
		}
		t.Skipf("SKIPPED: %s is missing: %s", r.client.name, r.missing)
	}
	for _, tc := range m.cases {
		t.Run(tc.name, func(t *testing.T) {
			switch c := r.cells[tc.name]; c.state {
			case failed:
				t.Error(brief(c.text))
			case impossible:
				t.Skip("n/a: " + c.text)
			case passed:
				t.Log(c.text)
			}
		})
	}
}
