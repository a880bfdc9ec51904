package edit

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
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
	plain := func(r rune) bool { return r == ' ' || isPlain(r) }
	if windows { // where cmd.exe ends the name of a program at = and ,
		plain = func(r rune) bool {
			return strings.ContainsRune(` \~`, r) || isPlain(r) && !strings.ContainsRune("=,", r)
		}
	}
	odd := strings.IndexFunc(program, func(r rune) bool { return !plain(r) })
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

// Moved is a variable of this shell that decides where something is. Programs that are started without it,
// such as an IDE or a service, look in the usual place.
type Moved struct {
	Name  string
	Lacks string // what they do not find

	// Word sets it in a credential_process line; "" if it cannot be written, or should not: the bus has
	// another address after each login, and a line in a file that is not found helps nobody.
	Word string
}

// movable is a variable that Moved may be about.
type movable struct {
	name, lacks string
	value       string   // where it leads; "": it is not set
	usual       string   // the same without the variable
	stores      []string // those that need it; nil: every profile does
	warn        bool     // it is not to be written
}

const (
	envConfig  = "XDG_CONFIG_HOME"
	envBus     = "DBUS_SESSION_BUS_ADDRESS"
	envShared  = "AWS_MFA_CREDS_SHARED_CACHE"
	envProgram = "/usr/bin/env" // sets variables where no shell does; every Unix has it there
)

// movables are all of them. What only changes how AWS is reached (proxies, endpoints) is the consumer's own,
// and so are the secrets of the env store. What may hold a password is not written into a line.
func movables(getenv func(string) string, paths profile.Paths, home string) []movable {
	below := func(names ...string) string { return filepath.Join(append([]string{home}, names...)...) }
	bus, _, _ := strings.Cut(getenv(envBus), ",")
	config, xdg, pass, settings := below(".config"), true, []string{"pass"}, "the settings of "+profile.Program
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		config, _ = os.UserConfigDir()
		xdg = false
	}
	all := []movable{
		{"AWS_CONFIG_FILE", "the AWS config", paths.AWSConfig, below(".aws", "config"), nil, true},
		{"AWS_SHARED_CREDENTIALS_FILE", "the AWS credentials file", paths.AWSCredentials, below(".aws", "credentials"), nil, true},
		{"GNUPGHOME", "the GPG key of pass", getenv("GNUPGHOME"), below(".gnupg"), pass, false},
		{"PASSWORD_STORE_DIR", "the password store of pass", getenv("PASSWORD_STORE_DIR"), below(".password-store"), pass, false},
		{"PATH", "the program pass", onlyOnPath("pass"), "", pass, true},
		{"PATH", "the program gpg", onlyOnPath("gpg"), "", pass, true},
		{envBus, "the keyring", bus, "unix:path=/run/user/" + strconv.Itoa(os.Getuid()) + "/bus", []string{"secret-service", "kwallet"}, true},
	}
	for _, name := range []string{envShared, envShared + "_PASSWORD"} {
		all = append(all, movable{name, "the shared cache", getenv(name), "off", nil, true},
			movable{name + "_FILE", "the shared cache", getenv(name + "_FILE"), "", nil, false})
	}
	switch {
	case getenv(profile.EnvHome) != "":
		all = append(all, movable{profile.EnvHome, settings, filepath.Dir(paths.Own), filepath.Join(config, profile.Program), nil, false})
	case xdg:
		all = append(all, movable{envConfig, settings, getenv(envConfig), config, nil, false},
			movable{"XDG_CACHE_HOME", "the cached sessions and the record of spent codes", getenv("XDG_CACHE_HOME"), below(".cache"), nil, false})
	}
	return all
}

// onlyOnPath returns where the PATH of this shell has a program that the usual one has not.
func onlyOnPath(program string) string {
	usual := "/usr/local/bin:/usr/bin:/bin"
	if runtime.GOOS == "darwin" {
		usual = "/usr/bin:/bin:/usr/sbin:/sbin" // launchd's
	}
	for _, dir := range filepath.SplitList(usual) {
		if _, err := os.Stat(filepath.Join(dir, program)); err == nil {
			return ""
		}
	}
	path, _ := exec.LookPath(program)
	return path
}

// MovedBy returns the variables without which a consumer would not find what this shell finds for a profile
// with secrets in the stores.
func MovedBy(getenv func(string) string, paths profile.Paths, home string, stores ...string) (all []Moved) {
	_, err := os.Stat(envProgram)
	for _, m := range movables(getenv, paths, home) {
		needed := m.stores == nil || slices.ContainsFunc(m.stores, func(store string) bool { return slices.Contains(stores, store) })
		notPath := m.name == envBus || m.usual == "off"
		known := notPath && m.value != "" || m.value != os.DevNull && filepath.IsAbs(m.value)
		if !needed || !known || filepath.Clean(m.value) == filepath.Clean(m.usual) || SameFile(m.value, m.usual) {
			continue
		}
		moved := Moved{Name: m.name, Lacks: m.lacks}
		if !m.warn && err == nil && runtime.GOOS != "windows" {
			moved.Word = assignment(m.name + "=" + m.value)
		}
		all = append(all, moved)
	}
	return all
}

// SameFile reports whether two paths lead to one file.
func SameFile(a, b string) bool {
	x, err := os.Stat(a) //nolint:gosec,nolintlint // not in each build
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// assignment returns NAME=VALUE as a word of a command line; "" if a shell would see something else in it.
func assignment(text string) string {
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && !isPlain(r) }):
		return ""
	case strings.Contains(text, " "):
		return `"` + text + `"`
	}
	return text
}

// WithVariables returns the credential_process line with the words of variables set for it. What the line
// was, which it replaces, sets besides stays, except for the home.
func WithVariables(line string, moved []Moved, was string) string {
	words, named := "", map[string]bool{profile.EnvHome: true, envConfig: true}
	for _, m := range moved {
		if m.Word != "" {
			words, named[m.Name] = words+" "+m.Word, true
		}
	}
	old, _ := profile.Assigned(was)
	for _, text := range old {
		if name, _, _ := strings.Cut(text, "="); !named[name] && assignment(text) != "" {
			words += " " + assignment(text)
		}
	}
	if words == "" {
		return line
	}
	return envProgram + words + " " + line
}

// OtherHome returns the variable that a credential_process line sets, as NAME=VALUE, if it leads to other
// settings than those in own, profiles.ini, and there are such.
func OtherHome(line, own string) string {
	variables, _ := profile.Assigned(line)
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		dir, ok := map[string]string{profile.EnvHome: "", envConfig: profile.Program}[name]
		file := filepath.Join(value, dir, "profiles.ini")
		if _, err := os.Stat(file); ok && err == nil && !SameFile(file, own) { //nolint:gosec,nolintlint // as above
			return v
		}
	}
	return ""
}
