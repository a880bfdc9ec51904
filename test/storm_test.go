//go:build unix

package test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// storm is how many processes ask at once.
const storm = 500

// latency is that of a call to STS from far away.
const latency = 150 * time.Millisecond

// wantSameSession checks that all succeeded with one session.
func wantSameSession(t *testing.T, all []outcome) {
	t.Helper()
	var slowest time.Duration
	ids := make(map[string]int)
	for _, got := range all {
		ids[credentials(t, got).AccessKeyID]++
		slowest = max(slowest, got.took)
	}
	if len(ids) != 1 {
		t.Errorf("%d sessions were handed out", len(ids))
	}
	t.Logf("%d processes, the slowest took %v", len(all), slowest.Round(time.Millisecond))
}

func TestStorm(t *testing.T) {
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
	wantSameSession(t, start(t, b, storm)())
	wantMints(t, b, 1)
}

// TestStormWithoutItsHead kills the process that holds the lock while its call is under
// way. Its code counts as sent, so the next one waits for the next time step.
func TestStormWithoutItsHead(t *testing.T) {
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 3 * time.Second}})
	head := b.Command(t.Context(), b.Binary, "get", "--profile", "work")
	if err := head.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the call of the first process", func() bool { return calls(b, "GetSessionToken") == 1 })
	b.Server.SetLatency(latency)
	wait := start(t, b, storm)
	time.Sleep(500 * time.Millisecond)
	if err := head.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = head.Wait()
	wantSameSession(t, wait())
	wantMints(t, b, 2)
}

// TestStormWhileTheCacheIsRemoved removes the cache directory while the first call is under way, also again and
// again, with its spare places, and with others making it anew. Locks and records go with it. All the same
// no code is sent twice, so that there is one call in a time step, and the others get its session.
func TestStormWhileTheCacheIsRemoved(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"once": os.RemoveAll,
		"again and again": func(dir string) (err error) {
			for range 5 {
				err = errors.Join(err, removed(dir))
				time.Sleep(300 * time.Millisecond)
			}
			return err
		},
		"and made by others": func(dir string) error { return errors.Join(removed(dir), os.MkdirAll(dir, 0o700)) }, // a get may be faster
		"with all others": func(dir string) (err error) {
			for range 5 {
				for _, place := range append(cache.Spare(dir, os.Getenv), dir) {
					err = errors.Join(err, removed(place))
				}
				time.Sleep(300 * time.Millisecond)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const crowd = 60
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 3 * time.Second}})
			wait := start(t, b, crowd)
			eventually(t, "the first call", func() bool { return calls(b, "GetSessionToken") == 1 })
			if err := remove(filepath.Join(b.Own(), "cache")); err != nil {
				t.Fatal(err)
			}
			for _, got := range wait() {
				credentials(t, got)
			}
			wantNoCodeTwice(t, b)
			if refused := b.Server.State().Refusals; len(refused) != 0 {
				t.Errorf("refused: %v", refused)
			}
			t.Logf("%d calls", calls(b, "GetSessionToken"))
		})
	}
}

// TestNoPlaceAtAll has neither the cache directory nor a spare place work. A get works all the same, and of
// several in one time step only one sends its code: the others fail at once, and say why. Where the kernel
// has no keyring either, as in a container, no code is sent.
func TestNoPlaceAtAll(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	own := filepath.Join(b.Own(), "cache")
	for _, place := range append(cache.Spare(own, os.Getenv), own) {
		if err := os.WriteFile(place, nil, 0o600); err != nil && place == own {
			t.Fatal(err)
		}
	}
	why := []string{"no token code was sent: another process may have sent it, because there is no place for a lock and a record (" + own + ": not a directory)", "set AWS_MFA_CREDS_HOME to a directory you can write to"}
	roomInStep()
	worked := 0
	for _, got := range start(t, b, 5)() {
		if got.code == 0 {
			credentials(t, got)
			worked++
			continue
		}
		wantFailure(t, b, got, 11, why...)
	}
	wantMints(t, b, max(worked, 1))
	if strace, err := exec.LookPath("strace"); err == nil {
		wantFailure(t, b, run(t, b, nil, strace, "-f", "-qq", "-o", "/dev/null", "-e", "inject=keyctl,add_key:error=EPERM", b.Binary, "get", "--profile", "work"), 11, why...)
		wantMints(t, b, worked)
	}
}

// removed removes a directory that others are filling.
func removed(dir string) (err error) {
	for range 10 {
		if err = os.RemoveAll(dir); err == nil {
			break
		}
	}
	return err
}

// TestTwoSessionsInOneTimeStep asks for two sessions that cannot share a code.
func TestTwoSessionsInOneTimeStep(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	long, short := start(t, b, 1), start(t, b, 1, "--duration", "1h")
	a, c := credentials(t, long()[0]), credentials(t, short()[0])
	if a.AccessKeyID == c.AccessKeyID || a.Expiration.Sub(c.Expiration).Abs() < time.Hour {
		t.Error("the sessions are not two")
	}
	wantMints(t, b, 2)
}
