package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
)

// TestWaitWithoutTerminal tells of the first wait, and of nothing else.
func TestWaitWithoutTerminal(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	c := &caretaker{app: &app{stderr: &stderr}, ask: &asker{}}
	c.progress(enroll.Event{Stage: enroll.Proving, Thing: "x"})
	for left := 21 * time.Second; left >= 0; left -= time.Second {
		c.progress(enroll.Event{Stage: enroll.Waiting, Thing: "the next token code", Left: left})
	}
	c.progress(enroll.Event{Stage: enroll.Waiting, Thing: "the next token code", Left: 30 * time.Second})
	if got := stderr.String(); got != "aws-mfa-creds: waiting up to 21 s for the next token code\n" {
		t.Errorf("%q", got)
	}
}
