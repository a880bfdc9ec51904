//go:build unix

package test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestFleetWhenItsHeadStops kills the host that gets the session, or suspends it for 14 s, after each of its questions
// to the engine. The others get a session all the same, and no code is sent twice. It is for make soak.
func TestFleetWhenItsHeadStops(t *testing.T) {
	t.Parallel()
	forSoak(t)
	for n := range 8 { // look, lease, look, look before the claim, claim, session, lease given back: one less than these
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
			t.Run(fmt.Sprint(n+1, signal), func(t *testing.T) {
				t.Parallel()
				headStops(t, n+1, signal)
			})
		}
	}
}

func forSoak(t *testing.T) {
	t.Helper()
	if os.Getenv("AWS_MFA_CREDS_TEST_ROUNDS") == "" {
		t.Skip("for make soak")
	}
}

func headStops(t *testing.T, n int, signal syscall.Signal) {
	t.Helper()
	e := startEngine(t)
	m, url := startMiddle(t, e)
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
	head := b.Command(t.Context(), b.Binary, "get", "--profile", "work")
	head.Env = append(head.Env, host(t, b, 0, url)...)
	var stdout, stderr bytes.Buffer
	head.Stdout, head.Stderr = &stdout, &stderr
	asked := 0
	stopped := make(chan bool, 1)
	m.change = func(_ []string, answer reply) (reply, bool) {
		if asked++; asked == n {
			_ = head.Process.Signal(signal)
			stopped <- true
		}
		return answer, true
	}
	roomInStep()
	if err := head.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- head.Wait() }()
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		if n != 8 {
			t.Fatalf("it has asked %d times: %s", asked, stderr.String())
		}
	}
	if signal == syscall.SIGSTOP {
		time.AfterFunc(14*time.Second, func() { _ = head.Process.Signal(syscall.SIGCONT) })
	}
	for _, got := range hosts(t, b, 5, e.url()+"?required=true") {
		credentials(t, got)
	}
	<-ended
	if signal == syscall.SIGSTOP {
		credentials(t, outcome{stdout.String(), stderr.String(), head.ProcessState.ExitCode(), 0})
	}
	wantNoCodeTwice(t, b)
	if calls := calls(b, "GetSessionToken"); calls > 2 {
		t.Errorf("%d calls", calls)
	}
	t.Logf("%d calls", calls(b, "GetSessionToken"))
}

// TestFleetLosesItsEngine has the engine go for good, or become full, while hosts wait for the one that gets the
// session. They go on alone: some fail, as without an engine, none hangs, and the first one is not disturbed.
func TestFleetLosesItsEngine(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(e *engine){
		"gone": (*engine).kill,
		"full": func(e *engine) { e.cli("CONFIG", "SET", "maxmemory", "1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const few = 5
			e := startEngine(t)
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 8 * time.Second}})
			wait := startHosts(t, b, few, e.url())
			eventually(t, "all hosts", func() bool { return strings.Count(e.cli("CLIENT", "LIST"), " addr=") == few+1 })
			fail(e)
			served := 0
			for _, got := range wait() {
				if got.code == 0 {
					served++
					credentials(t, got)
				} else if got.code != 6 && got.code != 9 {
					t.Errorf("exit %d: %s", got.code, got.stderr)
				}
				if got.took > time.Minute {
					t.Errorf("a host took %v", got.took)
				}
			}
			if t.Logf("%d of %d hosts were served in %d calls", served, few, calls(b, "GetSessionToken")); served == 0 {
				t.Error("no host has a session")
			}
		})
	}
}

// TestFleetWithEviction has others fill the engine, which removes what was used least recently. Nobody is worse off
// than without it, and as what is asked for is used, it mostly stays. It is for make soak.
func TestFleetWithEviction(t *testing.T) {
	t.Parallel()
	forSoak(t)
	e := startEngine(t, "--maxmemory-policy", "allkeys-lru")
	_, used, _ := strings.Cut(e.cli("INFO", "memory"), "used_memory:")
	bytes, err := strconv.Atoi(strings.Fields(used)[0])
	if err != nil {
		t.Fatal(err)
	}
	e.cli("CONFIG", "SET", "maxmemory", strconv.Itoa(bytes+4<<20))
	conn, err := net.Dial("tcp", e.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var done atomic.Bool
	filled := make(chan bool)
	go func() {
		defer close(filled)
		junk := strings.Repeat("x", 10<<10)
		answer := make([]byte, 64)
		for i := 0; !done.Load(); i++ {
			_, _ = fmt.Fprintf(conn, "SET junk:%d %s\r\n", i, junk)
			_, _ = conn.Read(answer)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	eventually(t, "the first eviction", func() bool { return !strings.Contains(e.cli("INFO", "stats"), "evicted_keys:0\r") })
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
	roomInStep()
	for _, got := range hosts(t, b, 20, e.url()) {
		credentials(t, got)
	}
	done.Store(true)
	<-filled
	_, evicted, _ := strings.Cut(e.cli("INFO", "stats"), "evicted_keys:")
	t.Logf("%d calls, %s evictions", calls(b, "GetSessionToken"), strings.Fields(evicted)[0])
}
