package edit

import (
	"strings"
	"unicode"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// plainCharacters stand for themselves in every shell and splitter that SDKs give a
// credential_process to: sh, cmd.exe, Python's shlex, botocore's own for Windows.
const plainCharacters = profile.NameCharacters + "=,"

const plainPath = "install it at a path of letters, digits and . _ / - only"

// CommandLine returns the value of credential_process that runs program with args, as
// all SDKs understand it on the system that windows tells of.
//
// Program is an absolute path. A space in it makes the path quoted, as AWS says ("Process
// credential provider", AWS SDKs and Tools Reference Guide), but Go SDK v1 then drops the
// arguments and some versions of others fail on Windows: a path without one is better. Args
// have plainCharacters only, and perhaps spaces, as the names of
// profiles may: those are quoted as well, which all splitters understand as long as cmd.exe does
// not have to take the program's quotation off first.
//
// What cannot be written safely is a *fault.Error of kind Config.
func CommandLine(windows bool, program string, args ...string) (string, error) {
	line, err := programWord(windows, program)
	if err != nil {
		return "", err
	}
	for _, arg := range args {
		switch {
		case arg == "" || strings.Trim(arg, plainCharacters+" ") != "":
			return "", commandFault(arg, profile.NameForm, "some SDKs would run something else with it as an argument")
		case !strings.Contains(arg, " "):
			line += " " + arg
		case windows && line[0] == '"':
			return "", commandFault(arg, plainPath, "cmd.exe cannot have both the program and an argument in quotation marks")
		default:
			line += ` "` + arg + `"`
		}
	}
	return line, nil
}

// programWord returns the path of the program as the first word of a command line.
func programWord(windows bool, program string) (string, error) {
	if !profile.IsAbs(windows, program) {
		return "", commandFault(program, "give its absolute path", "the path of a credential_process has to be absolute, since SDKs run it anywhere")
	}
	odd := strings.IndexFunc(program, func(r rune) bool { return r != ' ' && (r != '\\' || !windows) && !isPlain(r) })
	switch {
	case odd >= 0:
		return "", commandFault(program, plainPath, "the path has %q, which a shell may take for something else", []rune(program[odd:])[0])
	case !strings.Contains(program, " "):
		return program, nil
	case windows && strings.Contains(program, "@"):
		return "", commandFault(program, plainPath, "cmd.exe does not run a quoted path with @ in it")
	}
	return `"` + program + `"`, nil
}

// isPlain reports a character that no shell takes for something else.
func isPlain(r rune) bool {
	return strings.ContainsRune(plainCharacters, r) || r > unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r))
}

func commandFault(thing, remedy, cause string, args ...any) error {
	return fault.New(fault.Config, quoted(thing), remedy, cause, args...)
}
