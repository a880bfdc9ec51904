package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// TestListFitsTheWindow shows profiles in windows of several widths, and where there is none. Columns go
// before a line is wrapped.
func TestListFitsTheWindow(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	for _, name := range []string{"administrator-of-production", "not-registered"} {
		if err := b.AddConfig("[profile " + name + "]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = work\nmfa_serial = " + b.Identity().Serial + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	mustGet(t, b)
	const all = "PROFILE REGISTERED KEY IN SEED IN MFA DEVICE SESSION EXPIRES"
	for columns, head := range map[int]string{
		300: all,
		110: all,
		80:  "PROFILE MFA DEVICE SESSION EXPIRES",
		50:  "PROFILE EXPIRES",
		10:  "PROFILE EXPIRES",
	} {
		shown := listInWindow(t, b, fmt.Sprintf("stty cols %d", columns))
		if got := strings.Join(strings.Fields(shown[0]), " "); got != head {
			t.Errorf("%d columns: %q, want %q", columns, got, head)
		}
		for _, line := range shown {
			if columns >= 50 && len(line) > columns {
				t.Errorf("%d columns: %q has %d", columns, line, len(line))
			}
		}
	}
	zone := time.Now().Format("MST") + " (in 1" // the session lasts twelve hours
	for _, shown := range [][]string{
		strings.Split(run(t, b, []string{"COLUMNS=40"}, b.Binary, "list").stdout, "\n"),
		listInWindow(t, b, "stty cols 40; set -- --wide"),
		listInWindow(t, b, "stty cols 0; export COLUMNS=400"),
	} {
		text := strings.Join(shown, "\n")
		if !strings.Contains(text, b.Identity().Serial) || !strings.Contains(text, zone) || !strings.Contains(text, "work                         yes ") {
			t.Errorf("not all is shown: %s", text)
		}
	}
}

// listInWindow returns the lines of list on a terminal that a shell command has set up.
func listInWindow(t *testing.T, b *testbed.Bed, setUp string) []string {
	t.Helper()
	console, err := terminal.Start(b.Command(t.Context(), "sh", "-c", setUp+`; exec "$0" list "$@"`, b.Binary))
	must(t, err)
	if code, err := console.Wait(); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, console.Shown())
	}
	return strings.Split(strings.TrimSpace(console.Shown()), "\r\n")
}
