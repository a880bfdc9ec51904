package session

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// TestADay has a machine's processes ask for a base session and for roles all day, in crowds and alone: each
// succeeds, no code is sent twice, and a session is asked for only when one is due.
func TestADay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		random := rand.New(rand.NewPCG(1, 2))
		base := plan()
		var failed atomic.Int32
		var group sync.WaitGroup
		for begin := time.Now(); time.Since(begin) < 24*time.Hour; time.Sleep(time.Duration(random.IntN(600)) * time.Second) {
			for range 1 + random.IntN(20) {
				p := base
				if random.IntN(2) == 0 {
					p.Roles = []creds.Role{{ARN: "arn:aws:iam::123456789012:role/a", Duration: time.Hour}}
				}
				group.Go(func() {
					if _, err := w.get(p); err != nil {
						failed.Add(1)
					}
				})
			}
			group.Wait()
		}
		seen := make(map[any]bool)
		for _, step := range w.steps {
			if seen[step] {
				t.Errorf("the code of step %v was sent twice", step)
			}
			seen[step] = true
		}
		// A session of 12 h is renewed after 8 h, one of a role after 40 min.
		if codes, calls := len(w.steps), w.callCount(); failed.Load() != 0 || codes < 2 || codes > 4 || calls < codes+20 || calls > codes+37 {
			t.Errorf("%d failed, %d codes, %d calls", failed.Load(), codes, calls)
		}
	})
}
