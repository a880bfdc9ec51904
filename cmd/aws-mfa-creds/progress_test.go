package main

import (
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enrol"
)

// TestWaitWithoutTerminal tells of the first wait, and of nothing else.
func TestWaitWithoutTerminal(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	c := &caretaker{app: &app{stderr: &stderr}, ask: &asker{}}
	c.progress(enrol.Event{Stage: enrol.Proving, Thing: "x"})
	for left := 21 * time.Second; left >= 0; left -= time.Second {
		c.progress(enrol.Event{Stage: enrol.Waiting, Thing: "the next token code", Left: left})
	}
	c.progress(enrol.Event{Stage: enrol.Waiting, Thing: "the next token code", Left: 30 * time.Second})
	if got := stderr.String(); got != "aws-mfa-creds: waiting up to 21 s for the next token code\n" {
		t.Errorf("%q", got)
	}
}
