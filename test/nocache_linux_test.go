package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// cacheless returns a machine whose own directory is a disk of its own, which breaks has let down.
func cacheless(t *testing.T, options string, breaks func(b *testbed.Bed) error) *testbed.Bed {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root, to mount a disk", "sudo go test")
	}
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 500 * time.Millisecond}})
	if err := syscall.Mount("tmpfs", b.Own(), "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(b.Own(), syscall.MNT_DETACH) })
	if err := breaks(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStormWithoutACache has many processes ask at once where nothing can be written to the cache: they
// still share one session, and one more get does not ask AWS.
func TestStormWithoutACache(t *testing.T) {
	const crowd = 50
	fill := func(b *testbed.Bed) error {
		_ = os.WriteFile(filepath.Join(b.Own(), "filler"), make([]byte, 1<<20), 0o600)
		return nil
	}
	for name, test := range map[string]struct {
		disk   string
		breaks func(b *testbed.Bed) error
	}{
		"read-only": {"size=64k", func(b *testbed.Bed) error { return terminal.ReadOnly(b.Own()) }},
		"full":      {"size=64k", fill},
		"full later": {"size=64k", func(b *testbed.Bed) error {
			mustGet(t, b, "--duration", "1h") // makes the directory, its locks and records
			return fill(b)
		}},
		"inode-less":          {"nr_inodes=2", func(b *testbed.Bed) error { return os.WriteFile(filepath.Join(b.Own(), "filler"), nil, 0o600) }},
		"a file in its place": {"size=64k", func(b *testbed.Bed) error { return os.WriteFile(filepath.Join(b.Own(), "cache"), nil, 0o600) }},
	} {
		t.Run(name, func(t *testing.T) {
			b := cacheless(t, test.disk, test.breaks)
			before := calls(b, "GetSessionToken")
			wantSameSession(t, start(t, b, crowd)())
			mustGet(t, b)
			if n := calls(b, "GetSessionToken") - before; n != 1 {
				t.Errorf("%d calls", n)
			}
			list := run(t, b, nil, b.Binary, "list")
			if !strings.Contains(list.stdout, "base session  in 1") {
				t.Errorf("list: %s", list.stdout)
			}
		})
	}
}

// strangers returns a machine that belongs to the stranger, and the stranger's get.
func strangers(t *testing.T) (b *testbed.Bed, get func(env ...string) outcome) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root, to be another user", "sudo go test")
	}
	b = bed(t, testbed.Options{})
	program := filepath.Join(b.Dir, "aws-mfa-creds")
	content, err := os.ReadFile(b.Binary)
	if err == nil {
		err = os.WriteFile(program, content, 0o755)
	}
	if err == nil {
		err = own(b.Dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.Binary = program
	removeSpare(t, filepath.Join(b.Home(), ".cache", "aws-mfa-creds"), stranger)
	return b, func(env ...string) outcome {
		return runAs(t, b, stranger, append([]string{"AWS_MFA_CREDS_HOME=", "XDG_CACHE_HOME="}, env...), b.Binary, "get", "--profile", "work")
	}
}

// own gives all below dir to the stranger.
func own(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, stranger, stranger))
	})
}

// runAs is run as another user.
func runAs(t *testing.T, b *testbed.Bed, uid uint32, env []string, command string, args ...string) (got outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := b.Command(ctx, command, args...)
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	_ = cmd.Run()
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(began)}
}

// TestCacheOfRoot has a root-owned cache in a user's home, as a sudo used to leave it: gets work at once, and list
// and doctor say what to do.
func TestCacheOfRoot(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"the cache": ".cache/aws-mfa-creds", "all caches": ".cache"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, get := strangers(t)
			roots := filepath.Join(b.Home(), dir)
			if err := errors.Join(os.MkdirAll(roots, 0o700), os.Chown(filepath.Join(b.Home(), ".cache"), stranger, stranger), os.Chown(roots, 0, 0)); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				credentials(t, get())
			}
			wantMints(t, b, 1)
			remedy := `sudo chown -R "$(id -un)" ` + roots
			env := []string{"AWS_MFA_CREDS_HOME=", "XDG_CACHE_HOME="}
			for _, command := range []string{"list", "doctor"} {
				if got := runAs(t, b, stranger, env, b.Binary, command); !strings.Contains(got.stdout, roots) || !strings.Contains(got.stdout, remedy) || !strings.Contains(got.stdout, "kept in /") {
					t.Errorf("%s: %s%s", command, got.stdout, got.stderr)
				}
			}
		})
	}
}

// TestNoHome has five processes of a user without a home ask at once.
func TestNoHome(t *testing.T) {
	t.Parallel()
	b, get := strangers(t)
	removeSpare(t, "", stranger)
	results := make(chan outcome)
	for range 5 {
		go func() { results <- get("HOME=") }()
	}
	for range 5 {
		credentials(t, <-results)
	}
	wantMints(t, b, 1)
}

// TestSudoWithTheHomeOfAnother runs as root with a user's HOME: that is refused, and leaves nothing of root's.
func TestSudoWithTheHomeOfAnother(t *testing.T) {
	t.Parallel()
	b, get := strangers(t)
	got := runAs(t, b, 0, []string{"AWS_MFA_CREDS_HOME=", "XDG_CACHE_HOME="}, b.Binary, "get", "--profile", "work")
	if got.code != 12 || !strings.Contains(got.stderr, "belongs to another user") || got.stdout != "" {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
	err := filepath.WalkDir(b.Home(), func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Uid == 0 {
			t.Errorf("%s is root's", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	credentials(t, get())
}

// TestSuspendedHolder stops the process that holds the lock, as Ctrl-Z does.
func TestSuspendedHolder(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: time.Minute}})
	head := b.Command(t.Context(), b.Binary, "get", "--profile", "work")
	if err := head.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = head.Process.Kill(); _ = head.Wait() })
	eventually(t, "the call", func() bool { return calls(b, "GetSessionToken") == 1 })
	if err := head.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waiting := start(t, b, 2)
	who := fmt.Sprintf("process %d (%s get --profile work), which is suspended", head.Process.Pid, b.Binary)
	remedy := fmt.Sprintf("kill -CONT %d", head.Process.Pid)
	for _, command := range []string{"list", "doctor"} {
		if got := run(t, b, nil, b.Binary, command); !strings.Contains(got.stdout, who) || !strings.Contains(got.stdout, remedy) {
			t.Errorf("%s: %s%s", command, got.stdout, got.stderr)
		}
	}
	for _, got := range waiting() {
		if got.code != 9 || !strings.Contains(got.stderr, who) || !strings.Contains(got.stderr, remedy) {
			t.Errorf("exit %d: %s", got.code, got.stderr)
		}
	}
}
