package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// rooms are a home directory and a directory for temporary files of the tests' own, so that what one leaves
// behind is seen, and troubles nobody. Other systems than Linux keep more in a home than tests can do without.
type rooms struct {
	home, temp string
	keys       []string // of aws-mfa-creds in the kernel, from before
}

// used are the parts of the home directory that tests find programs in.
func used() []string { return []string{".cache/aws-mfa-creds-conformance", ".pyenv", ".terraform.d"} }

func newRooms() (r rooms, err error) {
	if runtime.GOOS != "linux" {
		return r, nil
	}
	r.keys = kernelKeys()
	users, _ := os.UserHomeDir()
	if r.home, err = os.MkdirTemp("", "home"); err != nil {
		return r, err
	}
	temp := filepath.Join(os.TempDir(), "t"+strconv.Itoa(os.Getpid())) // short, for the sockets in it
	if err := os.Mkdir(temp, 0o700); err != nil {                      // another user has guessed the name, or a dead run left it
		return r, errors.Join(err, os.Remove(r.home))
	}
	r.temp, err = temp, os.Chmod(temp, 0o777|fs.ModeSticky) // some tests are other users
	for _, name := range used() {
		if _, missing := os.Stat(filepath.Join(users, name)); missing == nil {
			link := filepath.Join(r.home, name)
			err = errors.Join(err, os.MkdirAll(filepath.Dir(link), 0o700), os.Symlink(filepath.Join(users, name), link))
		}
	}
	return r, err
}

// env is the environment of go test. Go's own caches stay where they are.
func (r rooms) env(ctx context.Context) []string {
	env := os.Environ()
	if r.home == "" {
		return env
	}
	env = slices.DeleteFunc(env, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return strings.HasPrefix(name, "XDG_") && strings.HasSuffix(name, "_HOME")
	})
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOENV"} {
		value, _ := exec.CommandContext(ctx, "go", "env", name).Output()
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	return append(env, "HOME="+r.home, "TMPDIR="+r.temp)
}

// close removes the rooms and returns what the tests have left behind there, and in the kernel's keyring.
func (r rooms) close() (left []string, err error) {
	if r.home == "" {
		return nil, nil
	}
	_ = filepath.WalkDir(r.home, func(path string, d fs.DirEntry, _ error) error {
		if name, _ := filepath.Rel(r.home, path); !d.IsDir() && !slices.Contains(used(), name) && !strings.HasPrefix(name, ".config/go/") {
			left = append(left, "~/"+name)
		}
		return nil
	})
	entries, _ := os.ReadDir(r.temp)
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "go-build") {
			left = append(left, "temporary "+entry.Name())
		}
	}
	for _, key := range kernelKeys() {
		if !slices.Contains(r.keys, key) {
			left = append(left, "kernel key "+key)
		}
	}
	return left, errors.Join(os.RemoveAll(r.home), os.RemoveAll(r.temp))
}

// kernelKeys returns the names of this user's keys that the program has made, without those that end within
// two minutes: claims of codes.
func kernelKeys() (names []string) {
	text, _ := os.ReadFile("/proc/keys")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 8 && fields[5] == strconv.Itoa(os.Geteuid()) && strings.HasPrefix(fields[8], "aws-mfa-creds:") && !strings.HasPrefix(fields[8], "aws-mfa-creds:code:") {
			names = append(names, strings.TrimSuffix(fields[8], ":"))
		}
	}
	return names
}
