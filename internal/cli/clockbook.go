package cli

import (
	"os"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/ledger"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// clockBook keeps the skew of this host against one endpoint. Homes may be shared by
// hosts whose clocks differ.
type clockBook struct {
	cache *cache.Cache
	name  string
	now   func() time.Time
}

func newClockBook(c *cache.Cache, s profile.Settings, now func() time.Time) clockBook {
	host, _ := os.Hostname() // without a name, all hosts share the book
	return clockBook{c, host + " " + s.Partition + " " + s.Endpoint, now}
}

// LoadClock returns the clock as it is now: this machine's may have been set since.
func (b clockBook) LoadClock() ledger.Clock {
	clock := b.cache.LoadClock(b.name)
	if clock.IsZero() {
		return clock // nearly always: nothing more is read
	}
	now := b.now()
	clock = clock.At(anchor(now))
	if clock.SkewAt(now) == 0 {
		_ = b.SaveClock(ledger.Clock{}) // stale: it must not come back when time has caught up
		return ledger.Clock{}
	}
	return clock
}

// SaveClock stores c with what this machine's clock counts from.
func (b clockBook) SaveClock(c ledger.Clock) error {
	if !c.IsZero() {
		c.Anchor = anchor(b.now())
	}
	return b.cache.SaveClock(b.name, c)
}
