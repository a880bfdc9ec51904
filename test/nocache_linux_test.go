package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 500 * time.Millisecond}})
	if err := syscall.Mount("tmpfs", b.Own(), "tmpfs", 0, options); err != nil {
		missing(t, "the right to mount a disk", "run the tests as root, on a machine that lets root mount: "+err.Error())
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
			if !strings.Contains(list.stdout, "(in 12h)") {
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
	err := exec.Command("cp", b.Binary, program).Run() // a program that this process writes may still be open in a child of another test
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
				if got := runAs(t, b, stranger, env, b.Binary, command); !strings.Contains(got.stdout, roots) || !strings.Contains(got.stdout, remedy) || !strings.Contains(got.stdout, "kept in /") || strings.Contains(got.stdout, "every get fails") {
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

// TestCacheIsOff has list say once for all profiles, or none, that the cache is off.
func TestCacheIsOff(t *testing.T) {
	t.Parallel()
	b, _ := strangers(t)
	env := []string{"AWS_MFA_CREDS_HOME=/", "XDG_CACHE_HOME="}
	removeSpare(t, "/cache", stranger)
	const note = "the cache is off: /: belongs to another user (uid 0); set AWS_MFA_CREDS_HOME to a directory you can write to"
	for profiles := range 3 {
		writeFile(t, b.ConfigFile(), strings.Repeat("[profile x]\nmfa_serial = "+b.Identity().Serial+"\n", min(profiles, 1))+strings.Repeat("[profile y]\nmfa_serial = "+b.Identity().Serial+"\n", max(profiles-1, 0)))
		must(t, os.Chmod(b.ConfigFile(), 0o644))
		got := runAs(t, b, stranger, env, b.Binary, "list")
		if strings.Count(got.stdout, "\nnote: "+note+"\n") != 1 || strings.Count(got.stdout, "kept in /") != 1 || strings.Contains(got.stdout, "No profile uses") != (profiles == 0) {
			t.Errorf("%d profiles: %s%s", profiles, got.stdout, got.stderr)
		}
		var all []struct {
			Profile string
			Notes   []string
		}
		got = runAs(t, b, stranger, env, b.Binary, "list", "--json")
		must(t, json.Unmarshal([]byte(got.stdout), &all))
		if last := all[len(all)-1]; len(all) != profiles+1 || last.Profile != "" || len(last.Notes) != 2 || last.Notes[0] != note || strings.Count(got.stdout, note) != 1 {
			t.Errorf("%d profiles: %s", profiles, got.stdout)
		}
	}
}

// TestTheSystemIsNotTakenOver leads to directories of the system: nothing advises to change their owner.
func TestTheSystemIsNotTakenOver(t *testing.T) {
	t.Parallel()
	b, _ := strangers(t)
	for _, env := range [][]string{
		{"AWS_MFA_CREDS_HOME=/"},
		{"AWS_MFA_CREDS_HOME=/etc"},
		{"AWS_MFA_CREDS_HOME=/tmp"},
		{"AWS_MFA_CREDS_HOME=/root"},
		{"AWS_MFA_CREDS_HOME=/nonexistent/x"},
		{"AWS_MFA_CREDS_HOME=", "HOME=/"},
		{"AWS_MFA_CREDS_HOME=", "HOME=/nonexistent"},
		{"AWS_MFA_CREDS_HOME=", "XDG_CACHE_HOME=/etc", "XDG_CONFIG_HOME=/usr"},
	} {
		for _, args := range [][]string{{"list"}, {"doctor", "--verbose"}, {"clear", "--all"}, {"store", "protect", "--none"}} {
			if got := runAs(t, b, stranger, env, b.Binary, args...); strings.Contains(got.stdout+got.stderr, "chown") {
				t.Errorf("%s, %s: %s%s", env, args, got.stdout, got.stderr)
			}
		}
		removeSpare(t, strings.TrimPrefix(env[0], "AWS_MFA_CREDS_HOME=")+"/cache", stranger)
	}
}

// TestSudoWithTheHomeOfAnother runs as root with a user's HOME: that is refused, and leaves nothing of root's.
func TestSudoWithTheHomeOfAnother(t *testing.T) {
	t.Parallel()
	b, get := strangers(t)
	key, seed := filepath.Join(b.Dir, "key"), filepath.Join(b.Dir, "seed")
	writeFile(t, key, b.Identity().AccessKeyID+" "+b.Identity().SecretAccessKey+"\n")
	writeFile(t, seed, b.Identity().Seed+"\n")
	for _, line := range []string{
		"get --profile work", "get --profile new --role-arn arn:aws:iam::123456789012:role/x", "code --profile work", "code --profile work --watch", "list", "list --json", "list --profile new", "clear --profile work", "clear --all",
		"setup --profile new --access-key-file KEY --yes", "add --profile new --store age --access-key-file KEY", "add --profile new --store age --seed-file SEED", "add --profile new --mfa-process /bin/true", "add --profile work --from-credentials-file",
		"enroll --profile work --yes", "enroll --profile new --console --yes", "register --profile new --region eu-west-1", "register --profile work --dry-run", "unregister --profile work", "unregister --profile new",
		"resync --profile work --yes", "rotate key --profile work --yes", "rotate device --profile work --yes", "export --profile work --uri --yes", "remove --profile work --yes", "remove --profile work --aws --yes",
		"store move --profile work --to age", "store protect --none", "lock", "unlock", "unlock --passphrase-file KEY", "doctor", "doctor --fix", "doctor --json", "doctor --profile work --online",
	} {
		got := runAs(t, b, 0, []string{"AWS_MFA_CREDS_HOME=", "XDG_CACHE_HOME="}, b.Binary, strings.Fields(strings.NewReplacer("KEY", key, "SEED", seed).Replace(line))...)
		said := got.stderr
		if strings.HasPrefix(line, "doctor") {
			said = got.stdout
		} else if got.stdout != "" {
			t.Errorf("%s prints %s", line, got.stdout)
		}
		if got.code != 12 || !strings.Contains(said, "belongs to another user") || !strings.Contains(said, "run it as that user, without sudo") || strings.Contains(said, "chown") {
			t.Errorf("%s: exit %d: %s", line, got.code, said)
		}
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
	eventually(t, "the stop", func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", head.Process.Pid))
		return err == nil && strings.Contains(string(state), "\nState:\tT")
	})
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
