//go:build unix

package child

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func shell(script string) Program {
	return Program{Argv: []string{"/bin/sh", "-c", script}, Limit: 100}
}

func TestRun(t *testing.T) {
	t.Parallel()
	p := shell("cat; echo $MORE $HOME; echo secret >&2")
	p.Stdin, p.Env = []byte("in "), []string{"MORE=this"}
	out, err := p.Run(t.Context())
	if err != nil || string(out) != "in this "+os.Getenv("HOME")+"\n" {
		t.Errorf("%q, %v", out, err)
	}
	var said Head
	p.Stderr = &said
	if _, err := p.Run(t.Context()); err != nil || said.String() != "secret\n" {
		t.Errorf("stderr is %q, %v", said.String(), err)
	}
}

// TestHead drops what comes after the beginning, and lets the program go on.
func TestHead(t *testing.T) {
	t.Parallel()
	var said Head
	p := shell("yes | head -c 200000 >&2; echo end")
	p.Stderr = &said
	if out, err := p.Run(t.Context()); err != nil || string(out) != "end\n" || len(said.String()) != maxHead {
		t.Errorf("%q, %v, %d bytes of stderr", out, err, len(said.String()))
	}
}

func TestNoInput(t *testing.T) {
	t.Parallel()
	if out, err := shell("read line || echo end").Run(t.Context()); err != nil || string(out) != "end\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	if _, err := shell("exit 3").Run(t.Context()); !isExit(err, 3) {
		t.Errorf("exit 3: %v", err)
	}
	if _, err := (Program{Argv: []string{"no-such-program-here"}, Limit: 1}).Run(t.Context()); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("not found: %v", err)
	}
	if _, err := shell("while :; do echo 0123456789; done").Run(t.Context()); !errors.Is(err, ErrTooMuch) {
		t.Errorf("endless: %v", err)
	}
}

func isExit(err error, code int) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == code
}

// TestKilledWithItsChildren has a program hang that has started another one, which ignores
// what can be ignored and keeps stdout.
func TestKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	p := shell("(trap '' TERM HUP INT; echo $$; sleep 600) & echo $! > " + pidFile + ".new; mv " + pidFile + ".new " + pidFile + "; wait")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := p.Run(ctx); done <- err }()
	var pid int
	for pid == 0 {
		text, _ := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
	for end := time.Now().Add(time.Minute); syscall.Kill(pid, 0) == nil && !zombie(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("its child is still running")
		}
	}
}

// zombie reports a process that has ended, but that nobody has waited for.
func zombie(pid int) bool {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

// TestLeftBehind has a program end at once that leaves one behind with its stdout.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	out, err := shell("sleep 600 & echo $!").Run(t.Context())
	pid, bad := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || bad != nil {
		t.Fatalf("%q, %v", out, err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}
