package profile

import (
	"path"
	"slices"
	"strings"
)

// Ours reports whether a command line calls this program, directly or through another one (env, sh -c).
func Ours(line string) bool { return slices.ContainsFunc(FlatWords(line), IsOurs) }

// FlatWords returns the words of a command line, those inside a quotation (sh -c "...") one by one.
func FlatWords(line string) []string {
	return strings.Fields(strings.Join(CommandWords(line), " "))
}

// IsOurs reports whether a word of a command line is the path of this program, of any version.
func IsOurs(word string) bool { return strings.HasPrefix(ProgramName(word), Program) }

// ProgramName returns the last element of a path of any system, in lower case and without .exe.
func ProgramName(word string) string {
	name := path.Base(strings.ReplaceAll(word, `\`, "/"))
	return strings.TrimSuffix(strings.ToLower(name), ".exe")
}

// CommandWords cuts a command line into its words, to recognize them. A backslash stands for itself,
// as on Windows, and the end of the line closes a quotation.
func CommandWords(line string) []string {
	line = strings.ReplaceAll(line, `\`, `\\`)
	for _, end := range []string{"", `"`, "'"} {
		if words, ok := SplitWords(line + end); ok {
			return words
		}
	}
	return nil
}

// SplitWords splits text as Python's shlex.split does, which botocore uses on headers.
// It reports false for an open quotation or a backslash at the end.
func SplitWords(text string) ([]string, bool) {
	var words []string
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return words, true
		}
		word, rest, ok := firstWord(text)
		if !ok {
			return nil, false
		}
		words, text = append(words, word), rest
	}
}

// firstWord takes one word off text, which does not begin with white space.
func firstWord(text string) (word, rest string, ok bool) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			return b.String(), text[i:], true
		case c == '\\' && quote != '\'':
			i++
			if i == len(text) {
				return "", "", false
			}
			if quote == '"' && text[i] != '"' && text[i] != '\\' {
				b.WriteByte(c)
			}
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", quote == 0
}
