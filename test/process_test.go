//go:build unix

package test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestSignals interrupts a process that waits for AWS: no output, the shell's exit code, and no
// temporary file left.
func TestSignals(t *testing.T) {
	t.Parallel()
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: time.Minute}})
			cmd := b.Command(t.Context(), b.Binary, "get", "--profile", "work")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the call", func() bool { return calls(b, "GetSessionToken") == 1 })
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != code || stdout.Len() != 0 || stderr.Len() != 0 {
				t.Errorf("exit %d, %d bytes on stdout, stderr %q", got, stdout.Len(), stderr.String())
			}
			left, _ := filepath.Glob(filepath.Join(b.Own(), "cache", "*tmp*"))
			if len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestParentGone kills the shell between the consumer and the program, as the Go SDK does: a
// process that waits for the next time step then ends by itself.
func TestParentGone(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	roomInStep()
	mustGet(t, b) // spends the time step
	shell := b.Command(t.Context(), "/bin/sh", "-c", b.Binary+" get --profile work --duration 1h & echo $!; wait")
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 32)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	_ = shell.Process.Kill()
	eventually(t, "the end of the orphan", func() bool { return syscall.Kill(pid, 0) != nil })
	if got := calls(b, "GetSessionToken"); got != 1 {
		t.Errorf("%d calls", got)
	}
	_ = shell.Wait()
}

// TestStreams runs the program with streams that are closed, full or gone.
func TestStreams(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	first := mustGet(t, b)
	command := b.Binary + " get --profile work"
	for script, want := range map[string]struct {
		code   int
		stdout bool
	}{
		command + " <&-":                       {0, true},
		command + " 2>&-":                      {0, true},
		command + " <&- 2>&-":                  {0, true},
		command + " >&-":                       {0, false}, // the Go runtime opens /dev/null in its place
		command + " >/dev/full":                {1, false},
		command + " 2>&1":                      {0, true},
		"cd / && " + command:                   {0, true},
		"env -i " + essential(b) + command:     {0, true},
		"ulimit -n 16; " + command:             {0, true},
		"umask 0777; " + command:               {0, true},
		"trap '' PIPE; " + command + " | true": {0, false},
	} {
		if script == command+" >/dev/full" {
			if _, err := os.Stat("/dev/full"); err != nil {
				continue
			}
		}
		got := run(t, b, nil, "/bin/sh", "-c", script)
		if got.code != want.code || got.stderr != "" || strings.Contains(got.stdout, first.AccessKeyID) != want.stdout {
			t.Errorf("%s: exit %d, %d bytes on stdout, stderr %q", script, got.code, len(got.stdout), got.stderr)
		}
	}
}

// essential is the environment that the program cannot do without.
func essential(b *testbed.Bed) string {
	var all strings.Builder
	for _, pair := range b.Env() {
		if strings.HasPrefix(pair, "AWS_MFA_CREDS_") || strings.HasPrefix(pair, "AWS_ENDPOINT_URL_STS=") {
			all.WriteString(pair + " ")
		}
	}
	return all.String()
}

// TestClosedPipe has nobody read stdout any more: the process ends silently, and the session is in
// the cache all the same.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	cmd := b.Command(t.Context(), b.Binary, "get", "--profile", "work")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = write, &stderr
	_ = cmd.Run()
	write.Close()
	if cmd.ProcessState.ExitCode() != 1 || stderr.Len() != 0 {
		t.Errorf("%v, stderr %q", cmd.ProcessState, stderr.String())
	}
	mustGet(t, b)
	wantMints(t, b, 1)
}

// TestNoDisk takes away the disk: credentials come all the same.
func TestNoDisk(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	mustGetWith := func(home string) {
		t.Helper()
		credentials(t, run(t, b, []string{"AWS_MFA_CREDS_HOME=" + home}, b.Binary, "get", "--profile", "work"))
	}
	mustGetWith("/proc/nothing-can-be-made-here")
	wantMints(t, b, 1)
}

// TestPipeForADirectory has a named pipe where a directory belongs: nothing waits for its other end.
func TestPipeForADirectory(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "cache"} {
		b := bed(t, testbed.Options{})
		home := t.TempDir()
		pipe := filepath.Join(home, "home", name)
		if err := os.MkdirAll(filepath.Dir(pipe), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		got := run(t, b, []string{"AWS_MFA_CREDS_HOME=" + filepath.Join(home, "home")}, b.Binary, "get", "--profile", "work")
		credentials(t, got)
		if got.took > 10*time.Second {
			t.Errorf("%q: it took %v", name, got.took)
		}
	}
}

// TestUnsafeCache refuses a cache directory that others can get at.
func TestUnsafeCache(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	mustGet(t, b)
	dir := filepath.Join(b.Own(), "cache")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, b, get(t, b), 12, dir, "chmod 700")
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mustGet(t, b)
	wantMints(t, b, 1)
}

// TestFilesArePrivate looks at everything the program has left on disk.
func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	credentials(t, run(t, b, nil, "/bin/sh", "-c", "umask 0; exec "+b.Binary+" get --profile work"))
	files := 0
	err := filepath.WalkDir(filepath.Join(b.Own(), "cache"), func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		files++
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestCannotBeAttached tries to attach to a running process as its own user, who is not root.
func TestCannotBeAttached(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace", "apt-get install strace")
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 10 * time.Second}})
	asUser := func(cmd *exec.Cmd) *exec.Cmd {
		if os.Getuid() == 0 {
			const nobody = 65534
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		return cmd
	}
	program := filepath.Join(t.TempDir(), "program")   // where another user may run it
	err := exec.Command("cp", b.Binary, program).Run() // as in strangers
	if err == nil {
		err = errors.Join(os.Chmod(program, 0o755), os.Chmod(filepath.Dir(program), 0o755), os.Chmod(filepath.Dir(filepath.Dir(program)), 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	removeSpare(t, filepath.Join("/nonexistent", b.Dir, "cache"), 65534)
	cmd := asUser(b.Command(t.Context(), program, "get", "--profile", "anything"))
	cmd.Env = append(cmd.Env, "AWS_MFA_CREDS_HOME=/nonexistent"+b.Dir, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	eventually(t, "the call", func() bool { return calls(b, "GetSessionToken") == 1 })
	attach := asUser(exec.CommandContext(t.Context(), strace, "-p", strconv.Itoa(cmd.Process.Pid)))
	attach.Dir = "/"
	if out, err := attach.CombinedOutput(); err == nil || !strings.Contains(string(out), "not permitted") {
		t.Errorf("%v: %s", err, out)
	}
	limits, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/limits")
	if err != nil {
		return // not Linux
	}
	for line := range strings.Lines(string(limits)) {
		if strings.HasPrefix(line, "Max core file size") && strings.Fields(line)[4] != "0" {
			t.Error("a core dump is possible: " + line)
		}
	}
}

// TestIgnoredSignals leaves a signal ignored that whoever started the process has ignored, as
// nohup does.
func TestIgnoredSignals(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 2 * time.Second}})
	cmd := b.Command(t.Context(), "/bin/sh", "-c", "trap '' HUP; exec "+b.Binary+" get --profile work")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the call", func() bool { return calls(b, "GetSessionToken") == 1 })
	_ = cmd.Process.Signal(syscall.SIGHUP)
	if err := cmd.Wait(); err != nil || stdout.Len() == 0 {
		t.Errorf("%v, %d bytes", err, stdout.Len())
	}
}

// TestWritableSettings refuses settings that others can change: they say where codes go.
func TestWritableSettings(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	path := filepath.Join(b.Own(), "profiles.ini")
	writeFile(t, path, "[work]\nregion = us-east-1\n")
	mustGet(t, b)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, b, get(t, b), 12, path, "chmod go-w")
}

// TestHomeWithTilde keeps everything below the home directory, wherever the process runs.
func TestHomeWithTilde(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	credentials(t, run(t, b, []string{"AWS_MFA_CREDS_HOME=~/own"}, b.Binary, "get", "--profile", "work"))
	if _, err := os.Stat(filepath.Join(b.Home(), "own", "cache")); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(b.Home()); err != nil || len(left) != 2 { // .aws and own
		t.Errorf("%v, %v", left, err)
	}
	for _, command := range []string{"clear --all", "get --profile work", "list"} {
		got := run(t, b, []string{"AWS_MFA_CREDS_HOME=relative"}, b.Binary, strings.Fields(command)...)
		if got.code != 3 || !strings.Contains(got.stderr, "relative") {
			t.Errorf("%s: exit %d: %s", command, got.code, got.stderr)
		}
	}
}
