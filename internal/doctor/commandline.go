package doctor

import (
	"path"
	"slices"
	"strings"
)

// Program is the name of this program.
const Program = "aws-mfa-creds"

// Ours reports whether a credential_process line calls this program, directly or behind
// another one.
func Ours(line string) bool {
	return slices.ContainsFunc(words(line), func(word string) bool { return strings.HasPrefix(base(word), Program) })
}

// FirstWord returns the program that a credential_process line names, and whether it is quoted. As for
// the AWS CLI, nothing in it is expanded.
func FirstWord(line string) (program string, quoted bool) {
	line = strings.TrimSpace(line)
	if line == "" {
		return "", false
	}
	if quote := line[0]; quote == '"' || quote == '\'' {
		program, _, _ = strings.Cut(line[1:], string(quote))
		return program, true
	}
	return strings.Fields(line)[0], false
}

// words splits a line at white space, without quotation marks.
func words(line string) []string {
	return strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(line))
}

// base is the last element of a path of either kind of system, in lower case and without .exe.
func base(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	return strings.TrimSuffix(strings.ToLower(name), ".exe")
}

// comment returns the inline comment of a line, from the # or ; behind white space on, or "".
func comment(line string) string {
	for i := 1; i < len(line); i++ {
		if (line[i] == '#' || line[i] == ';') && (line[i-1] == ' ' || line[i-1] == '\t') {
			return line[i:]
		}
	}
	return ""
}

// absolute reports an absolute path of either kind of system.
func absolute(name string) bool {
	return strings.HasPrefix(name, "/") || strings.HasPrefix(name, `\\`) || len(name) > 2 && name[1] == ':' && (name[2] == '\\' || name[2] == '/')
}

// asked returns the profile whose credentials the AWS CLI uses when a line runs it, and whether the
// line does: the one of --profile, of a variable before it, of AWS_PROFILE, or default.
func asked(argv []string, env map[string]string) (profile string, ok bool) {
	at := slices.IndexFunc(argv, isProgram)
	if at < 0 || base(argv[at]) != "aws" {
		return "", false
	}
	profile = "default"
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if env[name] != "" {
			profile = env[name]
		}
	}
	for i, word := range argv {
		name, value, assigned := strings.Cut(word, "=")
		switch {
		case word == "--profile" && i+1 < len(argv):
			return argv[i+1], true
		case assigned && name == "--profile":
			return value, true
		case assigned && name == "AWS_PROFILE" && i < at:
			profile = value
		}
	}
	return profile, true
}

// isProgram reports the first word of a command line that is neither an assignment, nor an option, nor a
// program that only runs another one.
func isProgram(word string) bool {
	switch base(word) {
	case "env", "sh", "bash", "dash", "zsh", "nice", "exec", "cmd":
		return false
	}
	return !strings.Contains(word, "=") && !strings.HasPrefix(word, "-") && !strings.EqualFold(word, "/c")
}
