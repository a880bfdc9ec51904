package cli

import (
	"os/exec"
	"strings"
	"testing"
)

// FuzzQuoting has a real shell read values of all kinds.
func FuzzQuoting(f *testing.F) {
	for _, value := range []string{"", "'", `\`, `'\''`, "$(exit 9)`exit 9`", "a b;c&d|e#f!g*h?[~]{}<>\"%", "'; exit 9; '"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsRune(value, 0) {
			return // no variable can have it
		}
		text, err := dialects()["sh"].sets([][2]string{{"AWS_REGION", value}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", `eval "$1"; printf '%s.' "$AWS_REGION"`, "sh", text).Output()
		if err != nil || string(got) != value+"." {
			t.Errorf("%q is read as %q, %v", value, got, err)
		}
		for _, format := range []string{"cmd", "dotenv"} {
			if text, err := dialects()[format].sets([][2]string{{"N", value}}); err == nil && strings.ContainsAny(value, "%!^&|<>#$'`\"\\ \t\r\n") {
				t.Errorf("%s: %q", format, text)
			}
		}
	})
}

// TestPowerShellQuotes: in a string in single quotes, nothing but a quote stands for anything else than itself.
func TestPowerShellQuotes(t *testing.T) {
	t.Parallel()
	if text, err := dialects()["powershell"].sets([][2]string{{"AWS_REGION", "a'$(x)`\""}}); text != "$Env:AWS_REGION = 'a''$(x)`\"'\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}
