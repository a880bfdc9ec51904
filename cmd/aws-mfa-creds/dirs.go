package main

import (
	"os"
	"os/user"
	"path/filepath"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// dirs returns the user's directories; what cannot be found out is "". The environment may
// lack HOME and all of XDG, as under cron and systemd, and a relative XDG
// directory is to be ignored (XDG Base Directory Specification).
func (a *app) dirs() profile.Dirs {
	home, err := os.UserHomeDir()
	if err != nil {
		home = homeOfUser()
	}
	config, err := os.UserConfigDir()
	if err != nil {
		config = below(home, ".config")
	}
	return profile.Dirs{Home: home, Config: config}
}

// cacheDir returns the directory for sessions, records and locks, or "" if there is
// no place for one. It is never below a temporary directory, which others could prepare.
func (a *app) cacheDir() string {
	if own := a.getenv(profile.EnvHome); own != "" {
		return filepath.Join(own, "cache")
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = below(a.dirs().Home, ".cache")
	}
	return below(dir, name)
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
