package test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// stranger is the number of another user.
const stranger = 54321

// moved moves what is at path to elsewhere, and puts a symbolic link in its place.
func moved(t *testing.T, path, elsewhere string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(elsewhere), 0o700))
	must(t, os.Rename(path, elsewhere))
	must(t, os.Symlink(elsewhere, path))
}

// TestOwnLinks has each of our paths behind a link of one's own, as Stow, chezmoi and mackup make them.
func TestOwnLinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"own", "own/profiles.ini", "own/cache", "own/age", "home/.aws", "home/.aws/config", "home"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, key, seed := bare(t)
			addWork(t, b, key, seed, "--store", "age")
			must(t, os.MkdirAll(filepath.Join(b.Own(), "cache"), 0o700))
			end := filepath.Join(b.Dir, "dotfiles", "here")
			moved(t, filepath.Join(b.Dir, name), end)
			first := mustGet(t, b)
			if again := mustGet(t, b); again != first {
				t.Error("the session was not cached")
			}
			mustRun(t, b, nil, "register", "--profile", "work", "--region", "eu-west-1")
			if got := run(t, b, nil, b.Binary, "doctor"); got.code != 0 {
				t.Errorf("doctor: exit %d\n%s", got.code, got.stdout)
			}
			if target, err := os.Readlink(filepath.Join(b.Dir, name)); err != nil || target != end {
				t.Errorf("the link is %q, %v", target, err)
			}
		})
	}
}

// TestPlantedPaths has others able to change where one of our paths leads. Everything refuses that, a
// cached session included, and doctor calls it an error.
func TestPlantedPaths(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give files away")
	}
	shared := func(b *testbed.Bed) string { return filepath.Join(b.Dir, "shared") }
	give := func(path string) error { return os.Lchown(path, stranger, stranger) }
	for name, c := range map[string]struct {
		plant func(t *testing.T, b *testbed.Bed) error
		env   func(b *testbed.Bed) []string
		blame string
	}{
		"home behind another's link": {func(t *testing.T, b *testbed.Bed) error {
			must(t, os.Symlink(b.Own(), filepath.Join(shared(b), "amc")))
			return give(filepath.Join(shared(b), "amc"))
		}, func(b *testbed.Bed) []string { return []string{"AWS_MFA_CREDS_HOME=" + shared(b) + "/amc"} }, "shared"},
		"XDG_CONFIG_HOME for all": {func(t *testing.T, b *testbed.Bed) error {
			evil := filepath.Join(b.Dir, "evil")
			writeFile(t, filepath.Join(evil, "profiles.ini"), "[work]\nmfa_process = touch "+b.Dir+"/pwned\n")
			must(t, errors.Join(give(filepath.Join(evil, "profiles.ini")), give(evil)))
			return os.Symlink(evil, filepath.Join(shared(b), "aws-mfa-creds"))
		}, func(b *testbed.Bed) []string { return []string{"AWS_MFA_CREDS_HOME=", "XDG_CONFIG_HOME=" + shared(b)} }, "shared"},
		"XDG_CACHE_HOME for all": {
			func(_ *testing.T, b *testbed.Bed) error {
				return os.Symlink(b.Own()+"/cache", filepath.Join(shared(b), "aws-mfa-creds"))
			},
			func(b *testbed.Bed) []string { return []string{"AWS_MFA_CREDS_HOME=", "XDG_CACHE_HOME=" + shared(b)} }, "shared",
		},
		"config directory of another": {func(_ *testing.T, b *testbed.Bed) error { return give(b.Own()) }, nil, "own"},
		"profiles.ini of another":     {func(_ *testing.T, b *testbed.Bed) error { return give(b.Own() + "/profiles.ini") }, nil, "own/profiles.ini"},
		"profiles.ini 0666":           {func(_ *testing.T, b *testbed.Bed) error { return os.Chmod(b.Own()+"/profiles.ini", 0o666) }, nil, "own/profiles.ini"},
		"cache of another":            {func(_ *testing.T, b *testbed.Bed) error { return give(b.Own() + "/cache") }, nil, "own/cache"},
		"above the config directory":  {func(_ *testing.T, b *testbed.Bed) error { return os.Chmod(b.Dir, 0o777) }, nil, ""},
		"group above it": {func(_ *testing.T, b *testbed.Bed) error {
			return errors.Join(os.Chown(b.Dir, -1, stranger), os.Chmod(b.Dir, 0o770))
		}, nil, ""},
		".aws for all":          {func(_ *testing.T, b *testbed.Bed) error { return os.Chmod(b.Home()+"/.aws", 0o777) }, nil, "home/.aws"},
		".aws of another":       {func(_ *testing.T, b *testbed.Bed) error { return give(b.Home() + "/.aws") }, nil, "home/.aws"},
		"AWS config 0666":       {func(_ *testing.T, b *testbed.Bed) error { return os.Chmod(b.ConfigFile(), 0o666) }, nil, "home/.aws/config"},
		"AWS config of another": {func(_ *testing.T, b *testbed.Bed) error { return give(b.ConfigFile()) }, nil, "home/.aws/config"},
		"AWS config linked out": {func(t *testing.T, b *testbed.Bed) error {
			moved(t, b.ConfigFile(), shared(b)+"/config")
			return nil
		}, nil, "shared"},
		"AWS_CONFIG_FILE for all": {
			func(_ *testing.T, b *testbed.Bed) error { return os.Symlink(b.ConfigFile(), shared(b)+"/config") },
			func(b *testbed.Bed) []string { return []string{"AWS_CONFIG_FILE=" + shared(b) + "/config"} }, "shared",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			writeFile(t, filepath.Join(b.Own(), "profiles.ini"), "[work]\nregion = eu-west-1\n")
			mustGet(t, b)
			must(t, errors.Join(os.Mkdir(shared(b), 0o700), os.Chmod(shared(b), 0o777)))
			must(t, c.plant(t, b))
			var env []string
			if c.env != nil {
				env = c.env(b)
			}
			wantFailure(t, b, run(t, b, env, b.Binary, "get", "--profile", "work"), 12, "error: "+filepath.Join(b.Dir, c.blame)+": ")
			if got := run(t, b, env, b.Binary, "doctor"); got.code != 12 || !strings.Contains(got.stdout, "error: ") {
				t.Errorf("doctor: exit %d\n%s", got.code, got.stdout)
			}
			if _, err := os.Stat(b.Dir + "/pwned"); err == nil {
				t.Error("a stranger's program ran")
			}
			wantMints(t, b, 1)
		})
	}
	t.Run("CA bundle", func(t *testing.T) {
		t.Parallel()
		b := bed(t, testbed.Options{})
		bundle := filepath.Join(b.Dir, "roots.pem")
		writeFile(t, bundle, "")
		must(t, os.Chmod(bundle, 0o666))
		wantFailure(t, b, run(t, b, []string{"AWS_CA_BUNDLE=" + bundle}, b.Binary, "get", "--profile", "work"), 12, bundle, "chmod go-w")
	})
}

// TestNothingWaits has a pipe, a socket, a device, and other things that no file is, at each path of the
// program. Commands may fail, but not hang: neither in open(2), where no signal gets through, nor in read(2).
func TestNothingWaits(t *testing.T) {
	t.Parallel()
	things := map[string]func(path string) error{
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"socket": func(path string) error { return bindSocket(path) },
		"device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"tree":   func(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o700) },
		"loop":   func(path string) error { return os.Symlink(path, path) },
	}
	paths := []string{
		"own", "own/profiles.ini", "own/.profiles.lock", "own/sealing.key", "own/cache", "own/age", "own/age/identity.txt", "own/age/recipients.txt",
		"own/age/lock", "own/age/*.age", "own/cache/*.lock", "own/cache/*.device", "own/journal", "home/.aws",
		"home/.aws/config", "home/.aws/credentials", "ca.pem", "secrets/key", "secrets/seed", "run/dbus-session", "run/bus",
	}
	for _, pattern := range paths {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			for thing, put := range things {
				if thing == "pipe" && strings.HasPrefix(pattern, "secrets/") {
					continue // a shell's <(...) is one: to wait for it is right, and a signal ends that (TestKeysEndAsking)
				}
				b, key, seed := bare(t)
				addWork(t, b, key, seed, "--store", "age")
				mustGet(t, b)
				must(t, os.MkdirAll(filepath.Join(b.Dir, "run"), 0o700))
				found, err := filepath.Glob(filepath.Join(b.Dir, pattern))
				must(t, err)
				if len(found) == 0 && !strings.Contains(pattern, "*") {
					found = []string{filepath.Join(b.Dir, pattern)}
				}
				if len(found) == 0 {
					t.Fatal("nothing there")
				}
				for _, path := range found {
					must(t, os.RemoveAll(path))
					must(t, put(path))
				}
				env := []string{"XDG_RUNTIME_DIR=" + filepath.Join(b.Dir, "run"), "AWS_CA_BUNDLE=" + filepath.Join(b.Dir, "ca.pem")}
				for _, command := range [][]string{
					{"get", "--profile", "work"},
					{"list"},
					{"doctor"},
					{"clear", "--all"},
					{"register", "--profile", "work", "--dry-run"},
					{"add", "--profile", "new", "--store", "age", "--access-key-file", key, "--seed-file", seed},
				} {
					if got := run(t, b, env, b.Binary, command...); got.code < 0 || got.took > time.Minute || strings.Contains(got.stderr, "goroutine ") {
						t.Errorf("%s, %v: exit %d: %.300s", thing, command, got.code, got.stderr)
					}
				}
			}
		})
	}
}

func bindSocket(path string) error {
	short, err := os.MkdirTemp("", "s") // the path of a socket must be short
	if err != nil {
		return err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: short + "/s", Net: "unix"})
	if err != nil {
		return err
	}
	listener.SetUnlinkOnClose(false)
	return errors.Join(listener.Close(), os.Rename(short+"/s", path), os.Remove(short))
}
