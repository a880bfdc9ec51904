package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
)

// rooms are a home directory and a directory for temporary files of the tests' own, so that what one leaves
// behind is seen, and troubles nobody.
type rooms struct {
	home, temp string
	keys       []string // of aws-mfa-creds in the kernel, from before
}

// used are the parts of the home directory that tests find programs in.
func used() []string { return []string{".cache/aws-mfa-creds-conformance", ".pyenv", ".terraform.d"} }

// sealingKey is the key of all sessions of this user, whatever directory they are in.
const sealingKey = "aws-mfa-creds:sessions"

func newRooms() (r rooms, err error) {
	r.keys = kernelKeys()
	users, _ := os.UserHomeDir()
	if r.home, err = os.MkdirTemp("", "home"); err != nil {
		return r, err
	}
	if r.temp, err = shortTemp(os.TempDir()); err != nil {
		return r, errors.Join(err, os.Remove(r.home))
	}
	intoMemory(r.temp)
	err = os.Chmod(r.temp, 0o777|fs.ModeSticky) // some tests are other users
	for _, name := range used() {
		if _, missing := os.Stat(filepath.Join(users, name)); missing == nil {
			link := filepath.Join(r.home, name)
			err = errors.Join(err, os.MkdirAll(filepath.Dir(link), 0o700), os.Symlink(filepath.Join(users, name), link))
		}
	}
	return r, err
}

// env is the environment of go test. Go's own caches stay where they are. What it builds stays out of memory: a line
// in its settings says so, because t.TempDir would follow a variable.
func (r rooms) env(ctx context.Context) []string {
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return name == "GOTMPDIR" || strings.HasPrefix(name, "XDG_") && strings.HasSuffix(name, "_HOME")
	})
	value := func(name string) string {
		text, _ := exec.CommandContext(ctx, "go", "env", name).Output()
		return strings.TrimSpace(string(text))
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		env = append(env, name+"="+value(name))
	}
	settings := filepath.Join(r.home, ".config", "go", "env")
	users, _ := os.ReadFile(value("GOENV"))
	_ = os.MkdirAll(filepath.Dir(settings), 0o700)
	_ = os.WriteFile(settings, append(users, "\nGOTMPDIR="+os.TempDir()+"\n"...), 0o600)
	return append(env, "GOENV="+settings, "HOME="+r.home, "TMPDIR="+r.temp)
}

// intoMemory has a directory be in memory, where root may mount and there is enough: most tests wait for the disk
// again and again. /dev/shm will not do, for Wine does not see what is below /dev.
func intoMemory(dir string) {
	const enough = 8 << 30
	var has unix.Sysinfo_t
	if unix.Sysinfo(&has) == nil && uint64(has.Totalram)*uint64(has.Unit) >= enough { //nolint:unconvert // 32-bit systems need it
		_ = unix.Mount("tmpfs", dir, "tmpfs", 0, "")
	}
}

// shortTemp makes a directory with a short name, for the sockets in it.
func shortTemp(in string) (string, error) {
	for n := os.Getpid(); ; n++ {
		dir := filepath.Join(in, "t"+strconv.Itoa(n))
		if err := os.Mkdir(dir, 0o700); !errors.Is(err, fs.ErrExist) {
			return dir, err
		}
	}
}

// files are what the tests have left behind in the rooms.
func (r rooms) files() (left []string) {
	_ = filepath.WalkDir(r.home, func(path string, d fs.DirEntry, _ error) error {
		if name, _ := filepath.Rel(r.home, path); !d.IsDir() && !slices.Contains(used(), name) && !strings.HasPrefix(name, ".config/go/") {
			left = append(left, "~/"+name)
		}
		return nil
	})
	entries, _ := os.ReadDir(r.temp)
	for _, entry := range entries {
		left = append(left, "temporary "+entry.Name())
	}
	return left
}

// close removes the rooms and returns what the tests have left behind there, and in the kernel's keyring.
func (r rooms) close() (left []string, err error) {
	left = r.files()
	for _, key := range kernelKeys() {
		switch {
		case slices.Contains(r.keys, key):
		case key == sealingKey:
			keys.Remove(key)
		default:
			left = append(left, "kernel key "+key)
		}
	}
	return left, r.remove()
}

func (r rooms) remove() error {
	_ = unix.Unmount(r.temp, unix.MNT_DETACH) // if it is in memory
	return errors.Join(os.RemoveAll(r.home), os.RemoveAll(r.temp))
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
