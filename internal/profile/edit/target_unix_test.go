//go:build unix

package edit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// The variables that tell a copy of the test binary what to be.
const (
	roleVar  = "PROFILE_TEST_ROLE"
	pathVar  = "PROFILE_TEST_PATH" // of profiles.ini
	umaskVar = "PROFILE_TEST_UMASK"
	nameVar  = "PROFILE_TEST_NAME" // of a profile
)

// TestMain also plays the processes that the tests start and kill.
func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVar) {
	case "":
		os.Exit(m.Run())
	case "once":
		err = updateOnce()
	case "writer":
		err = updateForEver()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(role, path string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, roleVar+"="+role, pathVar+"="+path)...)
	cmd.Stderr = new(bytes.Buffer)
	return cmd
}

func childEditor() Editor {
	path := os.Getenv(pathVar)
	return editor(profile.Paths{AWSConfig: filepath.Join(filepath.Dir(path), "config"), AWSCredentials: filepath.Join(filepath.Dir(path), "credentials"), Own: path})
}

func updateOnce() error {
	if text := os.Getenv(umaskVar); text != "" {
		mask, err := strconv.ParseUint(text, 8, 32)
		if err != nil {
			return err
		}
		syscall.Umask(int(mask))
	}
	_, err := childEditor().Update(context.Background(), os.Getenv(nameVar), setStore("age"))
	return err
}

// updateForEver gives the profile x ever longer and shorter values.
func updateForEver() error {
	for i := 0; ; i++ {
		letter := string(rune('a' + i%26))
		if _, err := childEditor().Update(context.Background(), "x", setStore(strings.Repeat(letter, 1+i%5*1000))); err != nil {
			return err
		}
	}
}

// newPaths returns files in a directory that does not exist yet.
func newPaths(t testing.TB) profile.Paths {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	return profile.Paths{AWSConfig: filepath.Join(dir, ".aws", "config"), AWSCredentials: filepath.Join(dir, ".aws", "credentials"), Own: filepath.Join(dir, ".config", "us", "profiles.ini")}
}

func TestProcessesEditAtOnce(t *testing.T) {
	t.Parallel()
	const count = 50
	paths := newPaths(t)
	var all []*exec.Cmd
	for i := range count {
		cmd := child("once", paths.Own, nameVar+"=p"+strconv.Itoa(i))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, cmd.Stderr)
		}
	}
	f, err := profile.Load(paths)
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if o, _, err := ReadOwn(f, "p"+strconv.Itoa(i)); err != nil || o.Store != "age" {
			t.Errorf("p%d: %+v, %v", i, o, err)
		}
	}
	if got := files(t, paths.Own); !slices.Equal(got, []string{lockName, "profiles.ini"}) {
		t.Errorf("files are %q", got)
	}
}

func TestKilledEditLeavesOneOrTheOther(t *testing.T) {
	t.Parallel()
	before := "# top\n\n[w]\nregion = " + strings.Repeat("w", 100_000) + "\n\n[x]\nstore = "
	after := "\nregion = b\n\n[z]\nstore = pass\n"
	paths := write(t, "", before+"a"+after, "")
	for i := range 40 {
		cmd := child("writer", paths.Own)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(10+3*i) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		if cmd.Stderr.(*bytes.Buffer).Len() > 0 {
			t.Fatal(cmd.Stderr)
		}
		got, ok := strings.CutPrefix(text(t, paths.Own), before)
		store, whole := strings.CutSuffix(got, after)
		if !ok || !whole || store == "" || strings.Trim(store, store[:1]) != "" || (len(store)-1)%1000 != 0 {
			t.Fatalf("torn after kill %d: %q", i, got)
		}
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range files(t, paths.Own) {
		if strings.HasSuffix(name, ".tmp") {
			if err := os.Chtimes(filepath.Join(filepath.Dir(paths.Own), name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := editor(paths).Update(t.Context(), "x", setStore("age")); err != nil {
		t.Fatal(err)
	}
	if got := files(t, paths.Own); !slices.Equal(got, []string{lockName, "profiles.ini"}) {
		t.Errorf("files are %q", got)
	}
}

func TestUmaskDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"000", "022", "077", "0277", "0777"} {
		paths := newPaths(t)
		cmd := child("once", paths.Own, nameVar+"=x", umaskVar+"="+umask)
		if err := cmd.Run(); err != nil {
			t.Fatalf("umask %s: %v: %s", umask, err, cmd.Stderr)
		}
		dir := filepath.Dir(paths.Own)
		for path, want := range map[string]fs.FileMode{filepath.Dir(dir): 0o700, dir: 0o700, paths.Own: 0o600, filepath.Join(dir, lockName): 0o600} {
			wantMode(t, path, want)
		}
	}
}

func wantMode(t testing.TB, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != want {
		t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
	}
}

func TestModeAndGroupStay(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o640, 0o700} {
		paths := write(t, "", "", "[x]\naws_access_key_id = A\n")
		if err := os.Chmod(paths.AWSCredentials, mode); err != nil {
			t.Fatal(err)
		}
		gid := os.Getegid()
		if os.Geteuid() == 0 {
			gid = 54322
		}
		if err := os.Chown(paths.AWSCredentials, -1, gid); err != nil {
			t.Fatal(err)
		}
		c, err := editor(paths).RemoveStaticKey(t.Context(), profile.Plain, "x")
		if err != nil || !c.Changed {
			t.Fatal(c, err)
		}
		wantMode(t, paths.AWSCredentials, mode)
		wantMode(t, c.Backup, 0o600)
		info, err := os.Stat(paths.AWSCredentials)
		if err != nil {
			t.Fatal(err)
		}
		if s := info.Sys().(*syscall.Stat_t); int(s.Gid) != gid {
			t.Errorf("the group is %d, and was %d", s.Gid, gid)
		}
	}
}

func TestLinksStay(t *testing.T) {
	t.Parallel()
	for name, exists := range map[string]bool{"link": true, "dangling link": false} {
		elsewhere := t.TempDir()
		target := filepath.Join(elsewhere, "dotfiles", "real.ini")
		paths := newPaths(t)
		links := []string{paths.Own, filepath.Join(elsewhere, "second")}
		err := errors.Join(os.MkdirAll(filepath.Dir(paths.Own), 0o700), os.Mkdir(filepath.Dir(target), 0o755),
			os.Symlink(links[1], links[0]), os.Symlink(filepath.Join("dotfiles", "real.ini"), links[1]))
		if exists {
			err = errors.Join(err, os.WriteFile(target, []byte("[y]\n"), 0o640))
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := editor(paths).Update(t.Context(), "x", setStore("age")); err != nil {
			t.Fatal(name, err)
		}
		for _, link := range links {
			if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("%s: %s is no link any more: %v", name, link, err)
			}
		}
		want := "[x]\nstore = age\n"
		if exists {
			want = "[y]\n\n" + want
			wantMode(t, target, 0o640)
		}
		if text(t, target) != want || !slices.Equal(files(t, target), []string{"real.ini"}) {
			t.Errorf("%s: %q beside %q", name, text(t, target), files(t, target))
		}
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(path string) error
		kind  fault.Kind
		part  string
	}{
		"read-only file": {func(path string) error { return os.Chmod(path, 0o400) }, fault.Filesystem, "read-only (mode -r--------); make it writable: chmod u+w"},
		"directory":      {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, fault.Config, "is a directory"},
		"FIFO":           {func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }, fault.Config, "not a regular file"},
		"link to itself": {func(path string) error { return errors.Join(os.Remove(path), os.Symlink(path, path)) }, fault.Filesystem, "too many levels of symbolic links"},
		"too large":      {func(path string) error { return os.Truncate(path, profile.MaxSize+1) }, fault.Config, "larger than"},
		"UTF-16":         {func(path string) error { return os.WriteFile(path, []byte("\xff\xfe[\x00x\x00]\x00"), 0o600) }, fault.Config, "UTF-16"},
		"open to others": {func(path string) error { return os.Chmod(path, 0o622) }, fault.Permissions, "chmod go-w"},
		"file above": {func(path string) error {
			dir := filepath.Dir(path)
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		}, fault.Filesystem, "cannot be written: not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths := newPaths(t)
			if err := errors.Join(os.MkdirAll(filepath.Dir(paths.Own), 0o700), os.WriteFile(paths.Own, []byte("[x]\nstore = a\n"), 0o600), c.spoil(paths.Own)); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(paths.Own)
			_, got := editor(paths).Update(t.Context(), "x", setStore("age"))
			wantFault(t, got, c.kind, paths.Own, c.part)
			after, err2 := os.Lstat(paths.Own)
			if (err == nil) != (err2 == nil) || err == nil && !os.SameFile(before, after) {
				t.Errorf("the file was touched: %v, %v", err, err2)
			}
		})
	}
}

// TestDirectoryOfOthers opens the directory of profiles.ini to others, who could replace the file.
func TestDirectoryOfOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode os.FileMode
		old  string
		ok   bool
	}{
		"own":            {0o755, "[x]\n", true},
		"group's":        {0o775, "[x]\n", os.Geteuid() != 0 && os.Geteuid() == os.Getegid()}, // a group of one's own is nobody else
		"everybody's":    {0o777, "[x]\n", false},
		"nothing there":  {0o777, "", false},
		"nothing in own": {0o700, "", true},
	} {
		dir := t.TempDir()
		paths := profile.Paths{Own: filepath.Join(dir, "profiles.ini")}
		if test.old != "" {
			if err := os.WriteFile(paths.Own, []byte(test.old), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir, test.mode); err != nil {
			t.Fatal(err)
		}
		refused := func(err error) bool {
			return fault.KindOf(err) == fault.Permissions && strings.Contains(fault.Remedy(err), "chmod go-w "+dir)
		}
		if _, err := profile.Load(paths); (err == nil) != test.ok || err != nil && !refused(err) {
			t.Errorf("%s: Load: %v", name, err)
		}
		_, err := editor(paths).Update(t.Context(), "y", setStore("age"))
		if (err == nil) != test.ok || err != nil && !refused(err) {
			t.Errorf("%s: Update: %v", name, err)
		}
	}
}
