package edit

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

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
	value       string // "": not set
	usual       string // the same without the variable
	stores      string // those that need it, as words; "": every profile does
	warn        bool   // it is not to be written
}

// movables are all of them. What only changes how AWS is reached (proxies, endpoints) is the consumer's own,
// and so are the secrets of the env store.
func movables(getenv func(string) string, paths profile.Paths, home string) []movable {
	config, settings := filepath.Join(home, ".config"), "the settings of "+profile.Program
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		config, _ = os.UserConfigDir()
	}
	all := []movable{
		{name: "AWS_CONFIG_FILE", lacks: "the AWS config", value: paths.AWSConfig, usual: filepath.Join(home, ".aws", "config"), warn: true},
		{name: "AWS_SHARED_CREDENTIALS_FILE", lacks: "the AWS credentials file", value: paths.AWSCredentials, usual: filepath.Join(home, ".aws", "credentials"), warn: true},
		{name: "GNUPGHOME", lacks: "the GPG key of pass", usual: filepath.Join(home, ".gnupg"), stores: "pass"},
		{name: "PASSWORD_STORE_DIR", lacks: "the password store of pass", usual: filepath.Join(home, ".password-store"), stores: "pass"},
		{name: busAddress, lacks: "the keyring", usual: "unix:path=/run/user/" + strconv.Itoa(os.Getuid()) + "/bus", stores: "secret-service kwallet", warn: true},
	}
	switch {
	case getenv(profile.EnvHome) != "":
		all = append(all, movable{name: profile.EnvHome, lacks: settings, value: filepath.Dir(paths.Own), usual: filepath.Join(config, profile.Program)})
	case runtime.GOOS != "windows" && runtime.GOOS != "darwin":
		all = append(all, movable{name: envConfig, lacks: settings, usual: config},
			movable{name: "XDG_CACHE_HOME", lacks: "the cached sessions and the record of spent codes", usual: filepath.Join(home, ".cache")})
	}
	return all
}

const (
	busAddress = "DBUS_SESSION_BUS_ADDRESS"
	envConfig  = "XDG_CONFIG_HOME"
)

// MovedBy returns the variables without which a consumer would not find what this shell finds for a profile
// with secrets in the stores.
func MovedBy(getenv func(string) string, paths profile.Paths, home string, stores ...string) (all []Moved) {
	for _, m := range movables(getenv, paths, home) {
		if m.value == "" {
			m.value = getenv(m.name)
		}
		if m.moved(stores) {
			all = append(all, Moved{m.name, m.lacks, m.word()})
		}
	}
	if where := onlyOnPath(stores); where != "" {
		all = append(all, Moved{Name: "PATH", Lacks: where})
	}
	return all
}

// moved reports that the variable leads elsewhere than the usual place.
func (m movable) moved(stores []string) bool {
	needed := m.stores == ""
	for _, store := range stores {
		needed = needed || store != "" && strings.Contains(m.stores, store)
	}
	switch {
	case !needed || m.value == "" || m.value == os.DevNull:
		return false
	case m.name == busAddress:
		address, _, _ := strings.Cut(m.value, ",")
		return address != m.usual
	}
	return filepath.IsAbs(m.value) && filepath.Clean(m.value) != m.usual && !SameFile(m.value, m.usual)
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

// word returns the assignment as a word of a command line.
func (m movable) word() string {
	if _, err := os.Stat(envProgram); err != nil || m.warn || runtime.GOOS == "windows" {
		return ""
	}
	value, err := programWord(false, m.value)
	switch {
	case err != nil:
		return ""
	case value != m.value: // in quotation marks
		return `"` + m.name + "=" + m.value + `"`
	}
	return m.name + "=" + value
}

// onlyOnPath names the programs of the store pass that only the PATH of this shell leads to.
func onlyOnPath(stores []string) string {
	usual := "/usr/local/bin:/usr/bin:/bin"
	if runtime.GOOS == "darwin" {
		usual = "/usr/bin:/bin:/usr/sbin:/sbin" // launchd's
	}
	for _, name := range []string{"pass", "gpg"} {
		path, err := exec.LookPath(name)
		if strings.Contains(strings.Join(stores, " "), "pass") && err == nil && !strings.Contains(":"+usual+":", ":"+filepath.Dir(path)+":") && !exists(usual, name) {
			return path
		}
	}
	return ""
}

func exists(dirs, name string) bool {
	for _, dir := range filepath.SplitList(dirs) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// envProgram sets variables for a command that no shell sees. It is there on every Unix.
const envProgram = "/usr/bin/env"

// WithVariables returns the credential_process line with the words of variables set for it. Those that the
// line was, which it replaces, sets besides stay, except for the home.
func WithVariables(line string, moved []Moved, was string) string {
	words := ""
	named := map[string]bool{profile.EnvHome: true, envConfig: true}
	for _, m := range moved {
		if m.Word != "" {
			words += " " + m.Word
			named[m.Name] = true
		}
	}
	old, _ := profile.Assigned(was)
	for _, assignment := range old {
		name, value, _ := strings.Cut(assignment, "=")
		if word := (movable{name: name, value: value}).word(); !named[name] && word != "" {
			words += " " + word
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
		inside := map[string]string{profile.EnvHome: "", envConfig: profile.Program}
		dir, ok := inside[name]
		file := filepath.Join(value, dir, "profiles.ini")
		if _, err := os.Stat(file); ok && err == nil && !SameFile(file, own) { //nolint:gosec,nolintlint // as above
			return v
		}
	}
	return ""
}
