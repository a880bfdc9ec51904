package securefile

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// TestHolderAmongMany asks for the holder of a lock while hundreds of others come and go.
func TestHolderAmongMany(t *testing.T) {
	d, _ := newDir(t)
	defer mustTry(t, d, Alone, true)()
	stop := make(chan struct{})
	var churn sync.WaitGroup
	for worker := range 4 {
		churn.Go(func() {
			for {
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
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 1000 {
		if pid, _, suspended := d.Holder("lock"); pid != os.Getpid() || suspended {
			t.Errorf("Holder = %d, %t", pid, suspended)
		}
	}
	close(stop)
	churn.Wait()
	if pid, _, _ := d.Holder("0 0"); pid != 0 {
		t.Errorf("a free lock is held by %d", pid)
	}
}
