package test

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// TestDoctorColour looks at doctor on a terminal.
func TestDoctorColour(t *testing.T) {
	t.Parallel()
	p := newPatient(t, false, testbed.Options{})
	commandIs("~/aws-mfa-creds get --profile work")(p)
	for variable, want := range map[string]bool{"TERM=xterm": true, "NO_COLOR=1": false, "TERM=dumb": false} {
		cmd := p.Command(t.Context(), p.Binary, "doctor")
		cmd.Env = append(append(cmd.Env, p.env...), "TERM=xterm", variable)
		console, err := terminal.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		if code, err := console.Wait(); code != 3 || err != nil {
			t.Errorf("%s: exit %d, %v", variable, code, err)
		}
		shown := console.Shown()
		if coloured := strings.Contains(shown, "\x1b[31merror:\x1b[0m"); coloured != want || strings.Contains(shown, "\x1b") != want {
			t.Errorf("%s: %q", variable, shown)
		}
	}
}
