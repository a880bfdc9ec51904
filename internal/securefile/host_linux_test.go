package securefile

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

// TestHolderAmongMany asks for the holder of a lock while hundreds of others come and go.
func TestHolderAmongMany(t *testing.T) {
	d, _ := newDir(t)
	defer mustTry(t, d, Alone, true)()
	var stop atomic.Bool
	var churn sync.WaitGroup
	for worker := range 4 {
		churn.Go(func() {
			for !stop.Load() {
				var locks []func()
				for i := range 50 {
					if unlock, held, err := d.TryLock(fmt.Sprint(worker, i), Alone); err != nil || !held {
						t.Errorf("lock %d: %v, %v", i, held, err)
					} else {
						locks = append(locks, unlock)
					}
				}
				for _, unlock := range locks {
					unlock()
				}
			}
		})
	}
	for range 1000 {
		if pid, _, suspended := d.Holder("lock"); pid != os.Getpid() || suspended {
			t.Errorf("Holder = %d, %t", pid, suspended)
		}
	}
	stop.Store(true)
	churn.Wait()
	if pid, _, _ := d.Holder("0 0"); pid != 0 {
		t.Errorf("a free lock is held by %d", pid)
	}
}
