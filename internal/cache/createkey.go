package cache

import "time"

// While one process makes the sealing key, which takes a millisecond, others wait.
const (
	keyLock     = "sealing key"
	keyPatience = 2 * time.Second
	keyPoll     = 2 * time.Millisecond
)

// createKey returns the sealing key, made if need be. Without the lock, processes
// that are the first at the same time may seal some entries with keys that are not the
// one that lasts: those are misses.
func (c *Cache) createKey() (Key, error) {
	unlock, err := c.wait(keyLock)
	if err != nil {
		return Key{}, err
	}
	defer unlock()
	key, err := c.keys.Create()
	if err == nil && key.IsZero() {
		err = ErrNoKey
	}
	return key, err
}

// wait takes the lock name, or gives up and goes on without it.
func (c *Cache) wait(name string) (unlock func(), err error) {
	scope := c.Scope(name)
	for range keyPatience / keyPoll {
		unlock, held, err := scope.TryLock()
		if err != nil || held {
			return unlock, err
		}
		time.Sleep(keyPoll)
	}
	c.log.Debug("going on without the lock", "lock", name)
	return func() {}, nil
}
