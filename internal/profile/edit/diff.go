package edit

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/diff"
)

// Diff returns the change as a unified diff, or "" if there is none. It is for a person to read:
// the values of keys that hold secrets are hidden, control characters are escaped, and a CR at the
// end of a line is not shown.
func (c Change) Diff() string {
	path := visible(c.Path)
	all := diff.Diff(path, []byte(conceal(c.Old.Reveal())), path, []byte(conceal(c.New.Reveal())))
	_, text, _ := strings.Cut(string(all), "\n") // the first line is "diff PATH PATH"
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(visible(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return b.String()
}

// conceal hides the values of secrets, also in the lines that continue them.
func conceal(text string) string {
	var b strings.Builder
	secret := false
	for line := range strings.Lines(text) {
		eol := line[len(line)-trailingEOL(line):]
		if indented := line[0] == ' ' || line[0] == '\t'; indented && secret {
			b.WriteString("  [hidden]" + eol)
			continue
		}
		end := strings.IndexAny(line, "=:")
		if secret = end >= 0 && namesSecret(strings.ToLower(line[:end])); secret {
			line = line[:end+1] + " [hidden]" + eol
		}
		b.WriteString(line)
	}
	return b.String()
}

func namesSecret(key string) bool {
	return strings.Contains(key, "secret") || strings.Contains(key, "token") || strings.Contains(key, "password")
}

// visible escapes what a terminal would take for a command.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) || r == '\t' {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
