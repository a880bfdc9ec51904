package profile

import (
	"cmp"
	"os"
	"path"
	"runtime"
	"strings"
	"unicode"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// EnvHome is the variable that names one directory for everything of ours.
const EnvHome = "AWS_MFA_CREDS_HOME"

// Program is the name of this program, of its directories and of its lines in the AWS config.
const Program = "aws-mfa-creds"

// Paths are where the settings rest. An empty path stands for a file that does not exist.
type Paths struct {
	AWSConfig      string // ~/.aws/config
	AWSCredentials string // ~/.aws/credentials
	Own            string // profiles.ini

	// Cache is the directory of sessions, records and locks; "" if there is no place for one. It
	// is never below a temporary directory, which others could prepare.
	Cache string
}

// ConfigDir returns the directory of profiles.ini and of all that must not be lost. It fails with a
// *fault.Error of kind Filesystem if there is no place for it.
func (p Paths) ConfigDir() (string, error) {
	if p.Own == "" {
		return "", fault.New(fault.Filesystem, "HOME", "set HOME, or "+EnvHome, "is not set, so there is no place for settings and secrets")
	}
	return join(p.Own, ".."), nil
}

// Dirs are the user's directories, as the platform knows them. Any may be "" (unknown), as under
// systemd or cron.
type Dirs struct{ Home, Config, Cache string }

// UserDirs finds the user's directories. The environment may lack HOME and all of XDG; then account
// is asked for the home directory. Relative directories are ignored, as the XDG Base Directory
// Specification has it: we run in the consumer's.
func UserDirs(account func() string) Dirs {
	home := absolute(os.UserHomeDir())
	if home == "" {
		home = account()
	}
	return Dirs{
		Home:   home,
		Config: cmp.Or(absolute(os.UserConfigDir()), join(home, ".config")),
		Cache:  cmp.Or(absolute(os.UserCacheDir()), join(home, ".cache")),
	}
}

// absolute returns dir if it is known and absolute, else "".
func absolute(dir string, err error) string {
	if err != nil || !IsAbs(windows, dir) {
		return ""
	}
	return dir
}

// Locate finds the files: where AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and
// AWS_MFA_CREDS_HOME say, else in the usual directories. A leading ~ is the home directory, as the
// AWS SDKs have it. It fails with a *fault.Error of kind Config if AWS_MFA_CREDS_HOME is relative,
// because we run in directories that are the consumer's.
func Locate(getenv func(string) string, dirs Dirs) (Paths, error) {
	p := Paths{
		AWSConfig:      cmp.Or(expand(getenv("AWS_CONFIG_FILE"), dirs.Home), join(dirs.Home, ".aws", "config")),
		AWSCredentials: cmp.Or(expand(getenv("AWS_SHARED_CREDENTIALS_FILE"), dirs.Home), join(dirs.Home, ".aws", "credentials")),
		Own:            join(dirs.Config, Program, "profiles.ini"),
		Cache:          join(dirs.Cache, Program),
	}
	home := expand(getenv(EnvHome), dirs.Home)
	switch {
	case home == "":
		return p, nil
	case !IsAbs(windows, home):
		return Paths{}, fault.New(fault.Config, EnvHome, "set it to an absolute path", "%q is a relative path", home)
	}
	p.Own, p.Cache = join(home, "profiles.ini"), join(home, "cache")
	return p, nil
}

// expand replaces a ~ that is the first element of path. The home of other users (~name) is not
// looked up.
func expand(path, home string) string {
	if path == "" || path[0] != '~' || home == "" {
		return path
	}
	if len(path) > 1 && !os.IsPathSeparator(path[1]) {
		return path
	}
	return join(home, path[1:])
}

// What follows does the work of path/filepath, which Go initialises too late for the warm path.

const windows = runtime.GOOS == "windows"

// join appends names to dir, and leaves an unknown dir unknown: a relative path would be searched
// for in the consumer's directory.
func join(dir string, names ...string) string {
	switch {
	case dir == "":
		return ""
	case !windows:
		return path.Join(dir, path.Join(names...))
	}
	joined := path.Join(strings.ReplaceAll(dir, `\`, "/"), path.Join(names...))
	if strings.HasPrefix(dir, `\\`) {
		joined = "/" + joined // of a path such as \\server\share, which path.Join makes one of
	}
	return strings.ReplaceAll(joined, "/", `\`)
}

// IsAbs reports an absolute path, of Windows or of other systems.
func IsAbs(windows bool, path string) bool {
	if !windows {
		return strings.HasPrefix(path, "/")
	}
	drive := len(path) > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/') && unicode.IsLetter(rune(path[0]))
	return drive || strings.HasPrefix(path, `\\`)
}
