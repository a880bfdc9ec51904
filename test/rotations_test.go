//go:build linux

package test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRotationsUnderGets replaces the access key and the MFA device while eight loops get sessions: none fails.
func TestRotationsUnderGets(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.must("enroll", "--profile", "work", "--yes")
	var done atomic.Bool
	var gets atomic.Int32
	var loops sync.WaitGroup
	for range 8 {
		loops.Go(func() {
			for ; !done.Load(); time.Sleep(200 * time.Millisecond) {
				if got := run(t, n.Bed, n.env, n.Binary, "get", "--profile", "work"); got.code != 0 || got.stderr != "" {
					t.Errorf("exit %d: %s", got.code, got.stderr)
				}
				gets.Add(1)
			}
		})
	}
	for _, args := range [][]string{{"rotate", "key", "--delete"}, {"rotate", "device"}, {"rotate", "key", "--delete"}} {
		if got := n.run(append(args, "--profile", "work", "--yes")...); got.code != 0 {
			t.Errorf("%s: exit %d: %s", args, got.code, got.stderr)
		}
		t.Logf("%s: %d gets", args, gets.Load())
	}
	done.Store(true)
	loops.Wait()
	wantNoCodeTwice(t, n.Bed)
	n.oneKey(n.own())
}
