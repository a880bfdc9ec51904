package profile

import (
	"os"
	"path/filepath"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// EnvHome is the variable that names one directory for everything of ours.
const EnvHome = "AWS_MFA_CREDS_HOME"

// Paths are where the settings rest. An empty path stands for a file that does not
// exist.
type Paths struct {
	AWSConfig      string // ~/.aws/config
	AWSCredentials string // ~/.aws/credentials
	Own            string // profiles.ini
}

// Dirs are the user's directories, as the platform knows them. Either may be ""
// (unknown), as under systemd or cron.
type Dirs struct {
	Home   string // os.UserHomeDir
	Config string // os.UserConfigDir
}

// Locate finds the files: where AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and
// AWS_MFA_CREDS_HOME say, else in the usual directories. A leading ~ is the home
// directory, as the AWS SDKs have it. It fails with a *fault.Error of kind Config if
// AWS_MFA_CREDS_HOME is relative, because we run in directories that are the consumer's.
func Locate(getenv func(string) string, dirs Dirs) (Paths, error) {
	own := join(dirs.Config, "aws-mfa-creds", "profiles.ini")
	if home := getenv(EnvHome); home != "" {
		home = expand(home, dirs.Home)
		if !filepath.IsAbs(home) {
			return Paths{}, fault.New(fault.Config, EnvHome, "set it to an absolute path", "%q is a relative path", home)
		}
		own = filepath.Join(home, "profiles.ini")
	}
	return Paths{
		AWSConfig:      override(getenv("AWS_CONFIG_FILE"), dirs.Home, "config"),
		AWSCredentials: override(getenv("AWS_SHARED_CREDENTIALS_FILE"), dirs.Home, "credentials"),
		Own:            own,
	}, nil
}

// override returns the path that a variable gives, or else ~/.aws/name.
func override(path, home, name string) string {
	if path != "" {
		return expand(path, home)
	}
	return join(home, ".aws", name)
}

// join appends names to dir, and leaves an unknown dir unknown: a relative path
// would be searched for in the consumer's directory.
func join(dir string, names ...string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(append([]string{dir}, names...)...)
}

// expand replaces a ~ that is the first element of path. The home of other users
// (~name) is not looked up.
func expand(path, home string) string {
	if path == "" || path[0] != '~' || home == "" {
		return path
	}
	if len(path) > 1 && !os.IsPathSeparator(path[1]) {
		return path
	}
	return filepath.Join(home, path[1:])
}
