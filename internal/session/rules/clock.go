package rules

import (
	"os"
	"time"
)

const (
	// ClockNoise is the skew that is not worth correcting: the Date header counts whole seconds and the
	// network adds its own delay. A code of a step that has just begun, or is to come, is sent that much later.
	ClockNoise = 2 * time.Second

	// backwards is how far the corrected time may lie before the moment of the
	// measurement before the measurement is known to be stale.
	backwards = 5 * time.Minute

	// The times that AWS's clock can show, in seconds since 1970: STS has its version, 2011-06-15, from its
	// first day. What comes a lifetime later is the defect of a proxy or of a file.
	firstPlausible = 1308096000 // 2011-06-15
	lastPlausible  = 4102444800 // 2100-01-01
)

// Plausible reports whether t can be what a right clock shows. A time that is not is neither learned from
// an answer, nor believed in a file, nor is a token code shown for it.
func Plausible(t time.Time) bool { return firstPlausible <= t.Unix() && t.Unix() < lastPlausible }

// Clock is how far this machine's clock is from AWS's, as last measured: by package session, from the Date
// header of each answer. Package cache stores it. Codes, signatures and expiries are of the corrected time. The
// zero value is a clock that is right.
type Clock struct {
	// Skew is AWS's time minus this machine's, in nanoseconds.
	Skew time.Duration `json:"skew"`

	// Measured is AWS's time at the measurement.
	Measured time.Time `json:"measured"`

	// Anchor is what this machine's clock counted from then, where the machine can tell.
	Anchor Anchor `json:"anchor,omitzero"`
}

// Anchor ties this machine's clock to its running time, which nobody can set: if their
// distance changes, somebody has set the clock. The zero value knows nothing.
type Anchor struct {
	Boot  string    `json:"boot"`  // which start of the machine it belongs to
	Start time.Time `json:"start"` // the clock's time less the running time, as of then
}

// IsZero reports whether nothing has to be corrected.
func (c Clock) IsZero() bool { return c.Skew == 0 }

// ClockName names the clock of this host against one endpoint: a home may be shared by hosts whose
// clocks differ.
func ClockName(partition, endpoint string) string {
	host, _ := os.Hostname() // without a name, all hosts share the clock
	return host + " " + partition + " " + endpoint
}

// Current returns the stored clock c as it is at local, this machine's time, which may have been
// set since. It is zero if the measurement is stale, or cannot be one.
func (c Clock) Current(local time.Time) Clock {
	if c.IsZero() {
		return c // nearly always: nothing more is read
	}
	c = c.at(anchor(local))
	if !Plausible(c.Measured) || !Plausible(local.Add(c.Skew)) || c.SkewAt(local) == 0 {
		return Clock{}
	}
	return c
}

// Anchored returns c with what this machine's clock counts from at local, to be stored.
func (c Clock) Anchored(local time.Time) Clock {
	if !c.IsZero() {
		c.Anchor = anchor(local)
	}
	return c
}

// SkewAt returns the correction to add to local, this machine's time. It is zero
// if the corrected time would lie before the measurement: time does not run
// backwards, so this machine's clock has been set since.
func (c Clock) SkewAt(local time.Time) time.Duration {
	if local.Add(c.Skew).Before(c.Measured.Add(-backwards)) {
		return 0
	}
	return c.Skew
}

// at returns the clock as it is when the machine's anchor is now: if the machine's clock has
// been set since the measurement, the skew has changed by as much; after a restart
// nothing is known.
func (c Clock) at(now Anchor) Clock {
	switch moved := now.Start.Sub(c.Anchor.Start); {
	case c.IsZero() || c.Anchor == Anchor{} || now == Anchor{}:
		return c
	case now.Boot != c.Anchor.Boot:
		return Clock{}
	case moved.Abs() >= ClockNoise:
		c.Skew -= moved
		c.Anchor = now
		if c.Skew.Abs() < ClockNoise {
			return Clock{}
		}
	}
	return c
}

// Measure returns the clock that a new measurement gives: AWS's time was server
// when this machine's was local. A difference within the noise, from what is known
// or from zero, changes nothing, nor does a time that cannot be, or a difference that no Duration can tell.
func (c Clock) Measure(server, local time.Time) Clock {
	skew := server.Sub(local)
	switch {
	case !Plausible(server) || !local.Add(skew).Equal(server):
		return c
	case skew.Abs() < ClockNoise:
		return Clock{}
	case (skew - c.Skew).Abs() < ClockNoise:
		return c
	}
	return Clock{Skew: skew, Measured: server.UTC()}
}
