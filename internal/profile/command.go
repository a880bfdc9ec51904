package profile

import (
	"path"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Call is what get is asked for.
type Call struct {
	Profile string
	Flags   Flags
}

// Words returns the call as a shell reads it: --profile, and the flags that are set.
func (c Call) Words() string { return "--profile " + fault.Shell(c.Profile) + c.Flags.Words() }

// Remedy returns a remedy, which was written without knowing the profile, as one to paste for the call.
func (c Call) Remedy(remedy string) string {
	remedy = strings.ReplaceAll(remedy, "--refresh --profile NAME", "--refresh "+c.Words())
	return strings.ReplaceAll(remedy, "--profile NAME", "--profile "+fault.Shell(c.Profile))
}

// ParseGet reads what stands behind the word get, as pflag does: flags that have a value. It returns
// the rest, from the first word on that is none of them.
func ParseGet(args []string) (c Call, rest []string) {
	values := map[string]*string{
		"--profile": &c.Profile, "--role-arn": &c.Flags.RoleARN, "--role-session-name": &c.Flags.RoleSessionName,
		"--external-id": &c.Flags.ExternalID, "--duration": &c.Flags.Duration,
	}
	for ; len(args) > 0; args = args[1:] {
		name, value, joined := strings.Cut(args[0], "=")
		target := values[name]
		if rest = args; !joined && len(args) > 1 {
			value, args = args[1], args[1:]
		}
		if target == nil || value == "" {
			return c, rest
		}
		*target = value
	}
	return c, nil
}

// ParseProcess returns what a credential_process line asks of this program, directly or by way of
// another one (env, sh -c); ok is false if it is not a get of a profile, or has flags that get does not
// have.
func ParseProcess(line string) (c Call, ok bool) {
	for _, words := range [][]string{CommandWords(line), FlatWords(line)} {
		at := slices.IndexFunc(words, IsOurs)
		words = slices.DeleteFunc(words[at+1:], func(word string) bool { return word == "--debug" || word == "--refresh" })
		if at < 0 || len(words) == 0 || words[0] != "get" {
			continue
		}
		c, rest := ParseGet(words[1:])
		if c.Profile != "" && (len(rest) == 0 || !strings.HasPrefix(rest[0], "-")) {
			return c, true
		}
	}
	return Call{}, false
}

// Ours reports whether a command line calls this program, directly or through another one (env, sh -c).
func Ours(line string) bool { return slices.ContainsFunc(FlatWords(line), IsOurs) }

// FlatWords returns the words of a command line, those inside a quotation (sh -c "...") one by one.
func FlatWords(line string) []string {
	return strings.Fields(strings.Join(CommandWords(line), " "))
}

// Assigned returns the variables that a command line sets with env, as NAME=VALUE, and the words from the
// program on that it runs.
func Assigned(line string) (variables, argv []string) {
	argv = CommandWords(line)
	if len(argv) == 0 || ProgramName(argv[0]) != "env" {
		return nil, argv
	}
	n := 1
	for n < len(argv) && isAssignment(argv[n]) {
		n++
	}
	return argv[1:n], argv[n:]
}

// isAssignment reports NAME=VALUE, which is no path.
func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsAny(name, `/\"'`)
}

// IsOurs reports whether a word of a command line is the path of this program, of any version.
func IsOurs(word string) bool {
	return strings.HasPrefix(ProgramName(word), Program) && !isAssignment(word)
}

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

// needsShell reports whether a command line means something else to a shell than to who cuts it into
// words: a pipe, a variable, ~, a comment, an assignment before the program. aws-vault gives mfa_process
// to sh -c, or to cmd.exe /C on the system that windows tells of.
func needsShell(line string, windows bool) bool {
	word, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
	shell := slices.Contains([]string{"sh", "bash", "dash", "zsh", "cmd"}, ProgramName(word))
	if windows {
		return !shell && strings.ContainsAny(line, "|&<>%")
	}
	quote, previous := ' ', ' ' // no quotation, at the start of a word
	for _, c := range line {
		unquoted, expanded := quote == ' ', quote == '"' && !shell // a shell expands what it gets
		switch {
		case previous == '\\' && quote != '\'':
			c = 0 // stands for itself
		case c == quote && !unquoted:
			quote = ' '
		case unquoted && strings.ContainsRune("|&;<>()", c), (unquoted || expanded) && strings.ContainsRune("$`", c),
			unquoted && strings.ContainsRune("~#", c) && (previous == ' ' || previous == '\t'):
			return true
		case unquoted && (c == '"' || c == '\''):
			quote = c
		}
		previous = c
	}
	return isAssignment(word)
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
