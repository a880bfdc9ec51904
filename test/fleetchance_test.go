//go:build unix

package test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestFleetByChance kills and suspends hosts, and stops and restarts their engine, at any time. Every host that lives
// gets a session in time, no code is sent twice while the engine keeps what it has, and each loss costs at most
// one code. It is for make soak.
func TestFleetByChance(t *testing.T) {
	t.Parallel()
	rounds, _ := strconv.Atoi(os.Getenv("AWS_MFA_CREDS_TEST_ROUNDS"))
	if rounds == 0 {
		t.Skip("for make soak")
	}
	for i := range rounds {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			fleetByChance(t, rand.New(rand.NewPCG(1, uint64(i))))
		})
	}
}

func fleetByChance(t *testing.T, random *rand.Rand) {
	const few = 20
	upTo := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
	e := startEngine(t)
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: upTo(3 * time.Second)}})
	var all [few]struct {
		cmd            *exec.Cmd
		stdout, stderr bytes.Buffer
		took           time.Duration
		killed         bool
		held           time.Duration
	}
	var group sync.WaitGroup
	for i := range all {
		h := &all[i]
		h.cmd = b.Command(t.Context(), b.Binary, "get", "--profile", "work")
		h.cmd.Env = append(h.cmd.Env, host(t, b, i, e.url())...)
		h.cmd.Stdout, h.cmd.Stderr = &h.stdout, &h.stderr
		began := time.Now()
		if err := h.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			_ = h.cmd.Wait()
			h.took = time.Since(began)
		})
	}
	losses, emptied := 0, false
	told := ""
	for range 1 + random.IntN(4) {
		time.Sleep(upTo(2 * time.Second))
		h := &all[random.IntN(few)]
		switch what := random.IntN(4); what {
		case 0:
			h.killed = true
			_ = h.cmd.Process.Signal(syscall.SIGKILL)
			told += " kill"
		case 1:
			h.held = upTo(20 * time.Second)
			_ = h.cmd.Process.Signal(syscall.SIGSTOP)
			time.AfterFunc(h.held, func() { _ = h.cmd.Process.Signal(syscall.SIGCONT) })
			told += " stop"
		case 2:
			_ = e.cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(upTo(8 * time.Second))
			_ = e.cmd.Process.Signal(syscall.SIGCONT)
			told += " engine-stop"
		case 3:
			e.kill()
			time.Sleep(upTo(2 * time.Second))
			e.start()
			emptied = true
			told += " engine-restart"
		}
		losses++
	}
	group.Wait()
	ids := make(map[string]int)
	for i := range all {
		h := &all[i]
		if h.killed {
			continue
		}
		got := outcome{h.stdout.String(), h.stderr.String(), h.cmd.ProcessState.ExitCode(), h.took}
		ids[credentials(t, got).AccessKeyID]++
		if got.took > 55*time.Second+h.held {
			t.Errorf("a host took %v", got.took)
		}
	}
	state := b.Server.State()
	if n := len(state.Attempts); n > 1+2*losses && !emptied { // who finds no engine goes on alone
		t.Errorf("%d codes after %d losses:%s", n, losses, told)
	}
	if repeated := state.Repeated(); len(repeated) > 0 && !emptied {
		t.Errorf("codes sent twice:%s: %+v", told, repeated)
	}
	t.Log(fmt.Sprintf("%d codes, %d sessions, %d twice:", len(state.Attempts), len(ids), len(state.Repeated())) + told)
}
