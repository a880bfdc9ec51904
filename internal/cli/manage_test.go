package cli

import (
	"strings"
	"testing"
	"time"
)

// TestWaitWithoutTerminal: only the first wait is shown.
func TestWaitWithoutTerminal(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	m := &manager{app: &app{stderr: &stderr}}
	m.show("Getting a session")
	for left := 21 * time.Second; left >= 0; left -= time.Second {
		m.showWait("the next token code", left)
	}
	m.showWait("the next token code", 30*time.Second)
	if got := stderr.String(); got != "aws-mfa-creds: waiting up to 21s for the next token code\n" {
		t.Errorf("%q", got)
	}
}
