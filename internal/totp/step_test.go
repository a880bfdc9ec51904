package totp

import (
	"math"
	"testing"
	"time"
)

func unix(seconds uint64) time.Time { return time.Unix(int64(seconds), 0) }

func TestStepAt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		at   string
		want Step
	}{
		"epoch":                   {"1970-01-01T00:00:00Z", 0},
		"end of the first":        {"1970-01-01T00:00:29.999999999Z", 0},
		"start of the second":     {"1970-01-01T00:00:30Z", 1},
		"just before 1970":        {"1969-12-31T23:59:59.999999999Z", 0},
		"long before 1970":        {"0001-01-01T00:00:00Z", 0},
		"another zone":            {"1970-01-01T01:00:30+01:00", 1},
		"last of 31 bits":         {"2038-01-19T03:14:07Z", 71582788},
		"first beyond 31 bits":    {"2038-01-19T03:14:30Z", 71582789},
		"beyond 32 bits":          {"2106-02-07T06:28:30Z", 143165577},
		"leap second's successor": {"2017-01-01T00:00:00Z", 49440960},
		"last of RFC 3339":        {"9999-12-31T23:59:59Z", 8446743359},
	} {
		at, err := time.Parse(time.RFC3339Nano, test.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := StepAt(at); got != test.want {
			t.Errorf("%s: StepAt(%s) = %d, want %d", name, test.at, got, test.want)
		}
	}
}

func TestStepHoldsItsOwnTime(t *testing.T) {
	t.Parallel()
	for _, step := range []Step{0, 1, 49440960, 71582788, 71582789, 143165577, 8446743359, lastStep} {
		start, end := step.Start(), step.End()
		if start.Location() != time.UTC || end.Location() != time.UTC {
			t.Errorf("step %d is not told in UTC", step)
		}
		if end.Sub(start) != Period {
			t.Errorf("step %d lasts %v", step, end.Sub(start))
		}
		for at, want := range map[time.Time]Step{start: step, end.Add(-1): step, end: step + 1} {
			if got := StepAt(at); got != want {
				t.Errorf("StepAt(%v) = %d, want %d", at, got, want)
			}
		}
	}
}

// TestStepNeverWraps: a damaged step number must not look like the past.
func TestStepNeverWraps(t *testing.T) {
	t.Parallel()
	for _, step := range []Step{lastStep + 1, 1 << 62, math.MaxUint64 / 30, math.MaxUint64 - 1, math.MaxUint64} {
		if step.Start().Before(lastStep.Start()) || step.End().Before(lastStep.End()) {
			t.Errorf("step %d runs from %v to %v", step, step.Start(), step.End())
		}
	}
}
