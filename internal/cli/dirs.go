package cli

import (
	"os"
	"os/user"
	"path/filepath"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// dirs returns the user's directories; what cannot be found out is "". The environment may
// lack HOME and all of XDG, as under cron and systemd. Relative directories are ignored,
// as the XDG Base Directory Specification has it: we run in the consumer's.
func (a *app) dirs() profile.Dirs {
	home := absolute(os.UserHomeDir())
	if home == "" {
		home = homeOfUser()
	}
	config := absolute(os.UserConfigDir())
	if config == "" {
		config = below(home, ".config")
	}
	return profile.Dirs{Home: home, Config: config}
}

// cacheDir returns the directory for sessions, records and locks, or "" if there is
// no place for one. It is never below a temporary directory, which others could prepare.
func (a *app) cacheDir() (string, error) {
	dirs := a.dirs()
	if a.getenv(profile.EnvHome) != "" {
		paths, err := profile.Locate(a.getenv, dirs)
		return filepath.Join(filepath.Dir(paths.Own), "cache"), err
	}
	dir := absolute(os.UserCacheDir())
	if dir == "" {
		dir = below(dirs.Home, ".cache")
	}
	return below(dir, program), nil
}

// absolute returns dir if it is known and absolute, else "".
func absolute(dir string, err error) string {
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

func homeOfUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.HomeDir
}

// below returns dir/element, or "" if dir is not known.
func below(dir, element string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, element)
}
