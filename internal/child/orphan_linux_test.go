package child

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVar makes the test binary a process that runs a program that hangs.
const roleVar = "AWS_MFA_CREDS_TEST_PIDFILE"

func TestMain(m *testing.M) {
	pidFile := os.Getenv(roleVar)
	if pidFile == "" {
		os.Exit(m.Run())
	}
	_, _ = shell("echo $$ > " + pidFile + ".new; mv " + pidFile + ".new " + pidFile + "; exec sleep 600").Run(context.Background())
}

// TestDiesWithUs kills a process that waits for a program, which must not outlive it.
func TestDiesWithUs(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), roleVar+"="+pidFile)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	for pid == 0 {
		text, _ := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		time.Sleep(time.Millisecond)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	for end := time.Now().Add(time.Minute); syscall.Kill(pid, 0) == nil && !zombie(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("it is still running")
		}
	}
}
