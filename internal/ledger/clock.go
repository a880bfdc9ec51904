package ledger

import "time"

const (
	// noise is the skew that is not worth correcting: the Date header counts
	// whole seconds and the network adds its own delay.
	noise = 2 * time.Second

	// backwards is how far the corrected time may lie before the moment of the
	// measurement before the measurement is known to be stale.
	backwards = 5 * time.Minute
)

// Clock is how far this machine's clock is from AWS's, as last measured. The zero
// value is a clock that is right.
type Clock struct {
	// Skew is AWS's time minus this machine's, in nanoseconds.
	Skew time.Duration `json:"skew"`

	// Measured is AWS's time at the measurement.
	Measured time.Time `json:"measured"`
}

// IsZero reports whether nothing has to be corrected.
func (c Clock) IsZero() bool { return c.Skew == 0 }

// SkewAt returns the correction to add to local, this machine's time. It is zero
// if the corrected time would lie before the measurement: time does not run
// backwards, so this machine's clock has been set since.
func (c Clock) SkewAt(local time.Time) time.Duration {
	if local.Add(c.Skew).Before(c.Measured.Add(-backwards)) {
		return 0
	}
	return c.Skew
}

// Measure returns the clock that a new measurement gives: AWS's time was server
// when this machine's was local. A difference within the noise, from what is known
// or from zero, changes nothing.
func (c Clock) Measure(server, local time.Time) Clock {
	skew := server.Sub(local)
	switch {
	case skew.Abs() < noise:
		return Clock{}
	case (skew - c.Skew).Abs() < noise:
		return c
	}
	return Clock{Skew: skew, Measured: server.UTC()}
}
