package test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// keyring starts a keyring of its own for the test, by the project's script, and returns the
// variables that lead to it.
func keyring(t *testing.T, kind string) []string {
	t.Helper()
	return startKeyring(t, kind, exec.CommandContext(t.Context(), "/bin/bash"))
}

// startKeyring is keyring in the environment and for the user of cmd, a bash.
func startKeyring(t *testing.T, kind string, cmd *exec.Cmd) []string {
	t.Helper()
	for _, program := range map[string][]string{
		"secret-service": {"dbus-daemon", "gnome-keyring-daemon", "dbus-send", "secret-tool"}, "kwallet": {"dbus-daemon", "kwalletd5", "gdbus"}, "pass": {"pass", "gpg"}, "pass-locked": {"pass", "gpg"},
	}[kind] {
		need(t, program, "scripts/install-test-tools")
	}
	script, err := os.ReadFile("../scripts/keyrings") // which other users may not be able to do
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args = []string{"bash", "-c", string(script), "keyrings", kind, "/bin/sh", "-c", "PASSWORD_STORE_DIR=$HOME/.password-store env; echo READY; read end"}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	var env []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "READY" {
			return env
		}
		name, _, _ := strings.Cut(lines.Text(), "=")
		if slices.Contains([]string{"HOME", "GNUPGHOME", "DBUS_SESSION_BUS_ADDRESS", "BUS_PID", "DAEMON_PID"}, name) || strings.HasPrefix(name, "XDG_") || strings.HasPrefix(name, "PASSWORD_STORE_") {
			env = append(env, lines.Text())
		}
	}
	t.Fatalf("scripts/keyrings %s did not start its keyring", kind)
	return nil
}

// storeCase is one kind of store with what locks it and opens it again.
type storeCase struct {
	store        string
	env          []string
	lock, unlock func(t *testing.T, b *testbed.Bed)
	denied       int // exit code while it is locked
}

func storeCases(t *testing.T) map[string]func(t *testing.T) storeCase {
	t.Helper()
	return map[string]func(t *testing.T) storeCase{
		"age": func(*testing.T) storeCase {
			hidden := func(b *testbed.Bed) (string, string) {
				dir := filepath.Join(b.Own(), "age", "identity.txt")
				return dir, dir + ".away"
			}
			return storeCase{
				store:  "age",
				lock:   func(t *testing.T, b *testbed.Bed) { from, to := hidden(b); rename(t, from, to) },
				unlock: func(t *testing.T, b *testbed.Bed) { from, to := hidden(b); rename(t, to, from) },
				denied: 4,
			}
		},
		"age with a passphrase": func(t *testing.T) storeCase {
			passphrase := filepath.Join(t.TempDir(), "passphrase")
			writeFile(t, passphrase, "correct horse\n")
			return storeCase{
				store: "age",
				lock: func(t *testing.T, b *testbed.Bed) {
					mustRun(t, b, nil, "store", "protect", "--passphrase", "--passphrase-file", passphrase)
					mustRun(t, b, nil, "lock")
				},
				unlock: func(t *testing.T, b *testbed.Bed) {
					mustRun(t, b, nil, "unlock", "--for", "10m", "--passphrase-file", passphrase)
				},
				denied: 5,
			}
		},
		"secret-service": func(t *testing.T) storeCase {
			env := keyring(t, "secret-service")
			return storeCase{
				store: "secret-service", env: env,
				lock: func(t *testing.T, b *testbed.Bed) {
					got := run(t, b, env, "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
						"org.freedesktop.Secret.Service.Lock", "array:objpath:/org/freedesktop/secrets/collection/login")
					if got.code != 0 {
						t.Fatal(got.stderr)
					}
				},
				unlock: func(t *testing.T, b *testbed.Bed) {
					if got := run(t, b, env, "/bin/sh", "-c", "kill $DAEMON_PID; while kill -0 $DAEMON_PID; do sleep 0.1; done 2>/dev/null; printf swordfish | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null 2>&1; "+
						"until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets; do sleep 0.1; done >/dev/null 2>&1"); got.code != 0 {
						t.Fatal(got.stderr)
					}
				},
				denied: 5,
			}
		},
		"pass": func(t *testing.T) storeCase {
			env := keyring(t, "pass")
			gone := ""
			for _, pair := range env {
				if path, ok := strings.CutPrefix(pair, "GNUPGHOME="); ok {
					gone = path
				}
			}
			return storeCase{
				store: "pass", env: env,
				lock: func(t *testing.T, _ *testbed.Bed) {
					_ = exec.CommandContext(t.Context(), "gpgconf", "--homedir", gone, "--kill", "all").Run()
					rename(t, filepath.Join(gone, "private-keys-v1.d"), filepath.Join(gone, "away"))
				},
				unlock: func(t *testing.T, _ *testbed.Bed) {
					if err := os.RemoveAll(filepath.Join(gone, "private-keys-v1.d")); err != nil { // gpg has made a new one
						t.Fatal(err)
					}
					rename(t, filepath.Join(gone, "away"), filepath.Join(gone, "private-keys-v1.d"))
				},
				denied: 5,
			}
		},
		"keyctl": func(*testing.T) storeCase { return storeCase{store: "keyctl"} },
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestStores goes through the life of a profile with each kind of store: what is stored is used, a
// store that is locked does not matter as long as a session is cached, and in the end nothing is
// left.
func TestStores(t *testing.T) {
	t.Parallel()
	for name, open := range storeCases(t) {
		t.Run(name, func(t *testing.T) {
			if name != "keyctl" { // whose seed the others would remove: there is one kernel
				t.Parallel()
			}
			c := open(t)
			b, key, seed := bare(t)
			profile := fmt.Sprintf("work-%s-%d", c.store, os.Getpid()) // the kernel's keyring is shared by all beds
			get := []string{"get", "--profile", profile}
			add := []string{"add", "--profile", profile, "--store", c.store, "--access-key-file", key, "--seed-file", seed, "--serial", b.Identity().Serial}
			said := mustRun(t, b, c.env, add...)
			if !strings.Contains(said, "Stored access key "+b.Identity().AccessKeyID) || !strings.Contains(said, "Stored the seed") {
				t.Errorf("add said %q", said)
			}
			if said := mustRun(t, b, c.env, add...); strings.Count(said, "already") != 2 || strings.Contains(said, "Stored") {
				t.Errorf("the second add said %q", said)
			}
			first := credentials(t, run(t, b, c.env, b.Binary, get...))
			if again := credentials(t, run(t, b, c.env, b.Binary, get...)); again != first {
				t.Error("not the cached session")
			}
			wantMints(t, b, 1)
			if c.lock != nil {
				locked(t, b, c, profile, first)
			}
			mustRun(t, b, c.env, "remove", "--profile", profile, "--yes")
			wantFailure(t, b, run(t, b, c.env, b.Binary, get...), 3, "does not exist", "aws-mfa-creds setup --profile "+profile)
			if said := mustRun(t, b, c.env, "remove", "--profile", profile, "--yes"); !strings.Contains(said, "Nothing is stored") {
				t.Errorf("the second remove said %q", said)
			}
		})
	}
}

// locked locks the store: the cached session is served, and without one the failure says what
// to do.
func locked(t *testing.T, b *testbed.Bed, c storeCase, profile string, cached processJSON) {
	t.Helper()
	c.lock(t, b)
	get := []string{"get", "--profile", profile}
	if got := credentials(t, run(t, b, c.env, b.Binary, get...)); got != cached {
		t.Error("not the cached session")
	}
	mustRun(t, b, c.env, "clear", "--profile", profile)
	got := run(t, b, c.env, b.Binary, get...)
	wantFailure(t, b, got, c.denied)
	t.Logf("locked: %v: %s", got.took, strings.TrimSpace(got.stderr))
	c.unlock(t, b)
	credentials(t, run(t, b, c.env, b.Binary, append(get, "--refresh")...))
}

// TestWarmGetTouchesNoStore watches a warm get: it starts no program, talks to no bus, and opens
// no file of a store.
func TestWarmGetTouchesNoStore(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace", "apt-get install strace")
	env := keyring(t, "secret-service")
	for _, store := range []string{"secret-service", "age"} {
		b, key, seed := bare(t)
		mustRun(t, b, env, "add", "--profile", "work", "--store", store, "--access-key-file", key, "--seed-file", seed, "--serial", b.Identity().Serial)
		credentials(t, run(t, b, env, b.Binary, "get", "--profile", "work"))
		trace := filepath.Join(b.Dir, "trace")
		got := run(t, b, env, strace, "-f", "-o", trace, "-e", "trace=execve,connect,openat", b.Binary, "get", "--profile", "work")
		credentials(t, got)
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "execve("); n != 1 {
			t.Errorf("%s: %d programs were run", store, n)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "connect(") || strings.Contains(line, "/age") || strings.Contains(line, "identity") {
				t.Errorf("%s: %s", store, line)
			}
		}
	}
}
