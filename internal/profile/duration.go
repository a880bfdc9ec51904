package profile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The limits of STS for DurationSeconds.
const (
	minDuration    = 900 * time.Second
	maxSession     = 129600 * time.Second // GetSessionToken
	maxRole        = 43200 * time.Second  // AssumeRole
	maxChained     = time.Hour            // AssumeRole from another session
	defaultSession = 12 * time.Hour
	defaultRole    = time.Hour
)

// ParseDuration reads a duration as --duration takes it. What is none is a *fault.Error of kind
// Usage about flag.
func ParseDuration(flag, text string) (time.Duration, error) {
	d, ok := parseDuration(text)
	if !ok {
		return 0, fault.New(fault.Usage, flag, "write it as 1h, 90m or 3600", "%q is no duration", Shorten(text))
	}
	return d, nil
}

// parseDuration reads "12h", "1h30m" or whole seconds. Fractions, signs, exponents
// and zero are refused, as is what no Duration can hold.
func parseDuration(text string) (time.Duration, bool) {
	if strings.Trim(text, "0123456789hms") != "" {
		return 0, false
	}
	if strings.Trim(text, "0123456789") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0 && d%time.Second == 0
}

// duration reads v, or takes byDefault if v is not set, and keeps it in the limits.
func (r *resolution) duration(v value, byDefault, limit time.Duration) (time.Duration, error) {
	if v.text == "" {
		return byDefault, nil
	}
	d, ok := parseDuration(v.text)
	typed := v.kind() == fault.Usage
	if !ok || typed && (d < minDuration || d > limit) {
		return 0, fault.New(v.kind(), v.place(), "write it as 12h, 90m or in seconds",
			"%s is not a duration from %s to %s", v.quoted(), brief(minDuration), brief(limit))
	}
	return r.clamp(v, d, limit), nil
}

// clamp brings d into the limits, and notes it if that changes it.
func (r *resolution) clamp(v value, d, limit time.Duration) time.Duration {
	if within := min(max(d, minDuration), limit); within != d {
		r.note(fmt.Sprintf("%s: %s is not from %s to %s; %s is used",
			v.place(), v.quoted(), brief(minDuration), brief(limit), brief(within)))
		return within
	}
	return d
}

// brief writes d in whole hours or minutes, if it is such.
func brief(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
	return d.String()
}
