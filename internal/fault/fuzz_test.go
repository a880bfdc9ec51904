package fault

import (
	"os/exec"
	"strings"
	"testing"
)

// FuzzPrintable: whatever goes in, one short line of ASCII comes out, and ASCII comes out as it is.
func FuzzPrintable(f *testing.F) {
	for _, text := range []string{"", "plain", " a\nb ", "\x1b[2J", "größe \u202e", "a\xffb", `\"`, strings.Repeat("\x00", 200)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Printable(text)
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) || len(got) > maxPart+len("...") {
			t.Errorf("%q is %q", text, got)
		}
		if again := Printable(got); len(got) <= maxPart && again != got {
			t.Errorf("%q, printed again, is %q", got, again)
		}
	})
}

// FuzzShell: a shell reads back what was quoted for it and printed.
func FuzzShell(f *testing.F) {
	for _, text := range []string{"", "/a/b", "it's", "$(x)`y`", "a\nb", "~", "-n", "*", "#x", "ü\xff", `\`} {
		f.Add(text)
	}
	sh, err := exec.LookPath("bash")
	if err != nil {
		f.Skip("no bash here")
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\x00") {
			return // no path and no argument has one
		}
		got, err := exec.CommandContext(t.Context(), sh, "-c", "printf '%s.' "+Escape(Shell(text))).Output()
		if err != nil || string(got) != text+"." {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	})
}
