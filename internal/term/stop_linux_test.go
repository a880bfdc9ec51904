package term

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// TestStopped stops a hidden prompt in a shell with job control and comes back to it: the shell has an
// echo meanwhile, and the prompt, which is shown again, has none.
func TestStopped(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	cmd := exec.CommandContext(t.Context(), bash, "-c", "set -m; "+roleVar+"=secret "+os.Args[0]+"; read -p 'stopped? ' line; echo got $line; fg")
	console, err := terminal.Start(cmd)
	must(t, err)
	must(t, console.Expect("(not shown): "))
	must(t, console.Type("lost\x1a"))
	must(t, console.Expect("stopped? "))
	must(t, console.Type("plain\n"))
	must(t, console.Expect("plain\r\n"))
	must(t, console.Expect("got plain"))
	must(t, console.Expect("Seed (not shown): "))
	must(t, console.Type("hidden\n"))
	if code, err := console.Wait(); err != nil || code != 0 || strings.Contains(console.Shown(), "hidden") || strings.Contains(console.Shown(), "lost") {
		t.Errorf("exit %d, %v: %q", code, err, console.Shown())
	}
}

// TestStoppedByNobody presses Ctrl-Z where no shell could continue the process.
func TestStoppedByNobody(t *testing.T) {
	t.Parallel()
	console, stdout := ask(t, "secret")
	must(t, console.Expect("(not shown): "))
	must(t, console.Type("\x1a"))
	must(t, console.Expect("(not shown): "))
	must(t, console.Type("hidden\n"))
	if _, err := console.Wait(); err != nil || stdout.String() != "answer: 6\n" || strings.Contains(console.Shown(), "hidden") {
		t.Errorf("%v: %q, %q", err, stdout, console.Shown())
	}
}
