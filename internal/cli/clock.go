package cli

import (
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

// storedClock keeps the skew of this host against one endpoint in the cache.
type storedClock struct {
	cache *cache.Cache
	name  string // rules.ClockName
	now   func() time.Time
}

func newStoredClock(c *cache.Cache, s profile.Settings, now func() time.Time) storedClock {
	return storedClock{c, rules.ClockName(s.Partition, s.Endpoint), now}
}

// LoadClock returns the clock as it is now. One that is stale is removed: it must not come back
// when time has caught up.
func (b storedClock) LoadClock() rules.Clock {
	stored := b.cache.LoadClock(b.name)
	clock := stored.Current(b.now())
	if clock.IsZero() && !stored.IsZero() {
		_ = b.SaveClock(clock)
	}
	return clock
}

// Skew returns AWS's clock minus this machine's, as last measured.
func (b storedClock) Skew() time.Duration { return b.LoadClock().SkewAt(b.now()) }

// Now returns AWS's time, as far as it is known.
func (b storedClock) Now() time.Time { return b.now().Add(b.Skew()) }

// SaveClock stores c with what this machine's clock counts from.
func (b storedClock) SaveClock(c rules.Clock) error {
	return b.cache.SaveClock(b.name, c.Anchored(b.now()))
}
