package test

import (
	"flag"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

const pictureFile = "../docs/demo.svg"

var drawPicture = flag.Bool("draw", false, "write the picture of the README, instead of comparing it")

// TestPicture plays what the picture of the README shows, on a real terminal with the real program, and compares all
// but the times. "make demo" draws it anew.
func TestPicture(t *testing.T) {
	t.Parallel()
	got := drawing(scene(t))
	old, err := os.ReadFile(pictureFile)
	if err == nil && timeless(string(old)) == timeless(got) {
		return
	}
	if !*drawPicture {
		t.Fatalf("the program now says something else than the picture: run make demo, and look at it\n%s", got)
	}
	must(t, os.WriteFile(pictureFile, []byte(got), 0o644))
}

var shownTime = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d UTC|in 1[12]h(\d+m)?`)

func timeless(text string) string { return shownTime.ReplaceAllString(text, "TIME") }

// scene returns what the terminal of somebody shows who has just got an access key, and MFA is enforced.
func scene(t *testing.T) string {
	t.Helper()
	needAWSCLI(t)
	r := plain(t, "")
	const id, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	must(t, r.Server.Update(func(w *sandbox.World) { w.User(testbed.UserName).Keys = []sandbox.Key{{ID: id, Secret: secret}} }))
	r.write(t, aliceHome+"/.bashrc", "PS1='$ '; cd; bind 'set enable-bracketed-paste off'\n", 0o600)
	// The bus and the unlocked keyring of a desktop session.
	need(t, "gnome-keyring-daemon", "apt-get install gnome-keyring")
	need(t, "dbus-daemon", "apt-get install dbus")
	const runtime = "/run/user/1000"
	const login = `dbus-daemon --session --fork --address="$DBUS_SESSION_BUS_ADDRESS"
		printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
		exec bash`
	must(t, os.MkdirAll(r.path(runtime), 0o700))
	cmd := r.command(t, "/bin/bash", "-c", login)
	cmd.Env = append(r.env(), "TERM=xterm", "AWS_PAGER=", "XDG_RUNTIME_DIR="+runtime, "DBUS_SESSION_BUS_ADDRESS=unix:path="+runtime+"/bus")
	roomInStep()
	console, err := terminal.Start(cmd)
	must(t, err)
	must(t, console.Resize(pictureColumns))
	for _, step := range []struct{ awaited, typed string }{
		{"$ ", "aws-mfa-creds setup --profile work --region eu-central-1"},
		{"): ", id},
		{"): ", secret},
		{"$ ", "aws sts get-caller-identity --profile work --query Arn"},
		{"$ ", "seq 500 | xargs -n 1 -P 50 sh -c 'aws-mfa-creds get --profile work' | grep -c SessionToken"},
		{"$ ", "aws-mfa-creds list"},
		{"$ ", "exit"},
	} {
		must(t, console.Expect(step.awaited))
		must(t, console.Type(step.typed+"\n"))
	}
	if code, err := console.Wait(); code != 0 || err != nil {
		t.Errorf("exit %d, %v", code, err)
	}
	if n := calls(r.Bed, "GetSessionToken"); n != 1 {
		t.Errorf("%d calls for all that", n)
	}
	shown, _, _ := strings.Cut(console.Shown(), "$ exit")
	r.wantNoSecretIn(t, "the picture", shown)
	return lastShown.ReplaceAllString(strings.ReplaceAll(strings.TrimSpace(shown), "\r\n", "\n"), "")
}

// lastShown takes away what a countdown has shown in a line before it was erased, and the sequences that erase.
var lastShown = regexp.MustCompile(`[^\n]*\r|\x1b\[[0-9;?]*[A-Za-z]`)

// The picture is of a window of its own colors, so that it is the same on a light page and on a dark one.
const (
	pictureColumns = 100
	pictureFrame   = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 %[1]d" width="880" height="%[1]d" role="img" aria-label="A terminal: setup, then aws without a code">
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre; animation: line 1ms backwards }
.typed { fill: #ffffff; font-weight: 600 }
.typed tspan { animation: word 1ms backwards }
.prompt { fill: #7ee787 }
@keyframes line { from { opacity: 0 } }
@keyframes word { from { fill: transparent } }
@media (prefers-reduced-motion: reduce) { text, .typed tspan { animation: none } }
</style>
<rect x="0.5" y="0.5" width="879" height="%[2]d" rx="8" fill="#161b22" stroke="#30363d"/>
<circle cx="20" cy="18" r="5" fill="#f85149"/><circle cx="38" cy="18" r="5" fill="#d29922"/><circle cx="56" cy="18" r="5" fill="#3fb950"/>
%[3]s</svg>
`
)

// drawing returns what a terminal has shown as an SVG, which shows it once more at a pace that one can read.
func drawing(shown string) string {
	const lineHeight, top = 19, 52
	var lines strings.Builder
	clock, row := 0.5, 0
	for line := range strings.SplitSeq(shown, "\n") {
		command, typed := strings.CutPrefix(line, "$ ")
		if typed {
			clock += 0.8
			fmt.Fprintf(&lines, `<text x="16" y="%d" class="typed" style="animation-delay:%.2fs"><tspan class="prompt">$ </tspan>`, top+row*lineHeight, clock)
			for word := range strings.FieldsSeq(command) {
				clock += 0.15
				fmt.Fprintf(&lines, `<tspan style="animation-delay:%.2fs">%s </tspan>`, clock, html.EscapeString(word))
			}
			fmt.Fprintln(&lines, "</text>")
			clock += 0.6
			row++
			continue
		}
		for _, part := range wrapped(line) {
			clock += 0.12
			fmt.Fprintf(&lines, `<text x="16" y="%d" style="animation-delay:%.2fs">%s</text>`+"\n", top+row*lineHeight, clock, html.EscapeString(part))
			row++
		}
	}
	height := top + row*lineHeight
	return fmt.Sprintf(pictureFrame, height, height-1, lines.String())
}

// wrapped returns the lines that the window makes of one that is longer; between words, for those who read.
func wrapped(line string) (parts []string) {
	for len(line) > pictureColumns {
		end := strings.LastIndexByte(line[:pictureColumns], ' ')
		parts, line = append(parts, line[:end]), line[end+1:]
	}
	return append(parts, line)
}
