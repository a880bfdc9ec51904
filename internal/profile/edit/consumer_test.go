//go:build linux

package edit

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// TestMovedBy has the right treatment of each variable: what the line gets, or for which there is a warning.
func TestMovedBy(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	usual := filepath.Join(home, ".config", "aws-mfa-creds")
	if err := os.MkdirAll(usual, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(usual, filepath.Join(home, "link")); err != nil {
		t.Fatal(err)
	}
	bus := "unix:path=/run/user/" + strconv.Itoa(os.Getuid()) + "/bus"
	for _, c := range []struct{ env, stores, want string }{
		{"", "age age", ""},
		{"AWS_MFA_CREDS_HOME=/x", "age", "AWS_MFA_CREDS_HOME=/x"},
		{"AWS_MFA_CREDS_HOME=~/x", "", "AWS_MFA_CREDS_HOME=" + home + "/x"},
		{"AWS_MFA_CREDS_HOME=/x y", "", `"AWS_MFA_CREDS_HOME=/x y"`},
		{"AWS_MFA_CREDS_HOME=/größe", "", "AWS_MFA_CREDS_HOME=/größe"},
		{"AWS_MFA_CREDS_HOME=/x$y", "", "warn AWS_MFA_CREDS_HOME"},
		{"AWS_MFA_CREDS_HOME=" + usual, "", ""},
		{"AWS_MFA_CREDS_HOME=" + home + "/link", "", ""},
		{"AWS_MFA_CREDS_HOME=/x,XDG_CONFIG_HOME=/c,XDG_CACHE_HOME=/d", "", "AWS_MFA_CREDS_HOME=/x"},
		{"XDG_CONFIG_HOME=/c", "", "XDG_CONFIG_HOME=/c"},
		{"XDG_CONFIG_HOME=c,XDG_CACHE_HOME=d", "", ""}, // relative: they do not count
		{"XDG_CONFIG_HOME=" + home + "/.config/", "", ""},
		{"XDG_CACHE_HOME=/d", "", "XDG_CACHE_HOME=/d"},
		{"XDG_CONFIG_HOME=/c,XDG_CACHE_HOME=/d", "", "XDG_CONFIG_HOME=/c XDG_CACHE_HOME=/d"},
		{"GNUPGHOME=/g,PASSWORD_STORE_DIR=/p", "age", ""},
		{"GNUPGHOME=/g,PASSWORD_STORE_DIR=/p", "age pass", "GNUPGHOME=/g PASSWORD_STORE_DIR=/p"},
		{"GNUPGHOME=" + home + "/.gnupg", "pass", ""},
		{"AWS_CONFIG_FILE=/a", "", "warn AWS_CONFIG_FILE"},
		{"AWS_CONFIG_FILE=~/.aws/config", "", ""},
		{"AWS_CONFIG_FILE=/dev/null", "", ""},
		{"AWS_SHARED_CREDENTIALS_FILE=/a", "", "warn AWS_SHARED_CREDENTIALS_FILE"},
		{"AWS_SHARED_CREDENTIALS_FILE=" + home + "/.aws/credentials", "", ""},
		{"DBUS_SESSION_BUS_ADDRESS=unix:path=/tmp/dbus-x,guid=1", "secret-service", "warn DBUS_SESSION_BUS_ADDRESS"},
		{"DBUS_SESSION_BUS_ADDRESS=unix:path=/tmp/dbus-x", "kwallet age", "warn DBUS_SESSION_BUS_ADDRESS"},
		{"DBUS_SESSION_BUS_ADDRESS=unix:path=/tmp/dbus-x", "age pass", ""},
		{"DBUS_SESSION_BUS_ADDRESS=" + bus + ",guid=1", "secret-service", ""},
		{"AWS_MFA_CREDS_SHARED_CACHE=rediss://ci:pass@host,AWS_MFA_CREDS_SHARED_CACHE_PASSWORD=p", "age", "warn AWS_MFA_CREDS_SHARED_CACHE warn AWS_MFA_CREDS_SHARED_CACHE_PASSWORD"},
		{"AWS_MFA_CREDS_SHARED_CACHE_FILE=/f,AWS_MFA_CREDS_SHARED_CACHE_PASSWORD_FILE=/p", "age", "AWS_MFA_CREDS_SHARED_CACHE_FILE=/f AWS_MFA_CREDS_SHARED_CACHE_PASSWORD_FILE=/p"},
		{"AWS_MFA_CREDS_SHARED_CACHE=off", "age", ""},
		{"HTTPS_PROXY=http://u:p@h,AWS_MFA_CREDS_SECRET_ACCESS_KEY=x,AWS_ENDPOINT_URL=http://localhost", "env", ""},
	} {
		env := make(map[string]string)
		for assignment := range strings.SplitSeq(c.env, ",") {
			name, value, _ := strings.Cut(assignment, "=")
			if value == "" { // the rest of an address
				env[envBus] += "," + name
				continue
			}
			env[name] = value
		}
		getenv := func(name string) string { return env[name] }
		dirs := profile.Dirs{Home: home, Config: filepath.Join(home, ".config"), Cache: filepath.Join(home, ".cache")}
		paths, err := profile.Locate(getenv, dirs)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range MovedBy(getenv, paths, home, strings.Fields(c.stores)...) {
			switch {
			case m.Name == "PATH": // of this machine
			case m.Word == "":
				got = append(got, "warn "+m.Name)
			default:
				got = append(got, m.Word)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s, %s: %q, want %q", c.env, c.stores, got, c.want)
		}
	}
}

// TestWithVariables keeps what the line before sets, but for the home.
func TestWithVariables(t *testing.T) {
	t.Parallel()
	const get = "/bin/aws-mfa-creds get --profile p"
	home := []Moved{{Name: profile.EnvHome, Word: "AWS_MFA_CREDS_HOME=/x"}, {Name: envBus}}
	for _, c := range []struct {
		moved     []Moved
		was, want string
	}{
		{nil, "", get},
		{nil, "/bin/old get --profile p", get},
		{home, "", "/usr/bin/env AWS_MFA_CREDS_HOME=/x " + get},
		{home, "/usr/bin/env AWS_MFA_CREDS_HOME=/y GNUPGHOME=/g " + get, "/usr/bin/env AWS_MFA_CREDS_HOME=/x GNUPGHOME=/g " + get},
		{nil, "/usr/bin/env AWS_MFA_CREDS_HOME=/y GNUPGHOME=/g " + get, "/usr/bin/env GNUPGHOME=/g " + get},
		{nil, "env XDG_CONFIG_HOME=/y " + get, get},
		{nil, `/usr/bin/env "GNUPGHOME=/g h" ` + get, `/usr/bin/env "GNUPGHOME=/g h" ` + get},
		{nil, "/usr/bin/env A=b " + get, "/usr/bin/env A=b " + get},
		{nil, "/usr/bin/env A=$B " + get, get}, // which no shell would expand in some SDKs
	} {
		if got := WithVariables(get, c.moved, c.was); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.was, got, c.want)
		}
	}
}
