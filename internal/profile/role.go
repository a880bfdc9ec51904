package profile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// session finds out how long the base session is to last. The identity's own
// section says it, unless that describes a role: then the duration there is the role's.
func (r *resolution) session(s *Settings) error {
	var v value
	var err error
	if id := r.identity(); id.get(KeyRole).text == "" {
		if v, err = id.duration(); err != nil {
			return err
		}
	}
	if r.flags.Duration != "" && !r.hasRole() {
		v = value{text: r.flags.Duration, source: "--duration"}
	}
	s.Duration, err = r.duration(v, defaultSession, maxSession)
	return err
}

// duration returns the duration that the profile's sections give: "duration" is the
// name in profiles.ini, "duration_seconds" that of the AWS config.
func (l link) duration() (value, error) {
	short, long := l.own.get(KeyDuration).uncommented(), l.own.get(KeySeconds).uncommented()
	switch {
	case short.text != "" && long.text != "":
		return value{}, fault.New(fault.Config, short.place(), "delete one of them", "duration and duration_seconds are both set")
	case short.text != "":
		return short, nil
	}
	return l.get(KeySeconds).uncommented(), nil
}

func (r *resolution) hasRole() bool { return r.chain[0].role.text != "" }

// roles finds out the roles, from the identity outwards.
func (r *resolution) roles(s *Settings) error {
	if err := r.checkFlags(); err != nil {
		return err
	}
	for i, l := range slices.Backward(r.chain) {
		if l.role.text == "" {
			continue
		}
		role, err := r.role(i, l)
		if err != nil {
			return err
		}
		s.Roles = append(s.Roles, role)
	}
	return nil
}

// checkFlags refuses flags that are about a role where there is none.
func (r *resolution) checkFlags() error {
	if r.hasRole() {
		return nil
	}
	for _, v := range []value{{text: r.flags.ExternalID, source: "--external-id"}, {text: r.flags.RoleSessionName, source: "--role-session-name"}} {
		if v.text != "" {
			return fault.New(fault.Usage, v.source, "give --role-arn as well, or set role_arn for the profile", "there is no role to assume")
		}
	}
	return nil
}

// role reads the role of link number i. The flags are about the profile asked for,
// number 0.
func (r *resolution) role(i int, l link) (creds.Role, error) {
	arn, err := checkRole(l.role)
	if err != nil {
		return creds.Role{}, err
	}
	name, external := l.get(KeySessionName).uncommented(), l.get(KeyExternalID).uncommented()
	if i == 0 {
		name = flag(r.flags.RoleSessionName, "--role-session-name", name)
		external = flag(r.flags.ExternalID, "--external-id", external)
	}
	if name.text == "" {
		name.text = sessionName
	}
	// The limits and characters are those of the STS API.
	if err := checkText(name, 2, 64, "+=,.@-_"); err != nil {
		return creds.Role{}, err
	}
	if external.text != "" {
		if err := checkText(external, 2, 1224, "+=,.@:/-_"); err != nil {
			return creds.Role{}, err
		}
	}
	d, err := r.roleDuration(i, l)
	return creds.Role{ARN: arn, SessionName: name.text, ExternalID: external.text, Duration: d}, err
}

// flag returns the value of a flag if it is given, and v if not.
func flag(text, name string, v value) value {
	if text == "" {
		return v
	}
	return value{text: text, source: name}
}

func checkText(v value, shortest, longest int, others string) error {
	if len(v.text) < shortest || len(v.text) > longest {
		return fault.New(v.kind(), v.place(), "correct it", "%s has %d characters, not %d to %d", v.quoted(), len(v.text), shortest, longest)
	}
	if cause := strangeCharacter(v.quoted(), v.text, others); cause != "" {
		return fault.New(v.kind(), v.place(), "use letters, digits and "+strings.Join(strings.Split(others, ""), " "), "%s", cause)
	}
	return nil
}

// roleDuration returns how long the role of link number i is to last. A profile's
// duration is the role's only if the role is the profile's own, not the flag's.
func (r *resolution) roleDuration(i int, l link) (time.Duration, error) {
	var v value
	var err error
	if l.get(KeyRole).text != "" {
		if v, err = l.duration(); err != nil {
			return 0, err
		}
	}
	if i == 0 {
		v = flag(r.flags.Duration, "--duration", v)
	}
	limit := maxRole
	if r.hops() > 1 {
		limit = maxChained
	}
	return r.duration(v, defaultRole, limit)
}

// hops counts the roles on the way.
func (r *resolution) hops() int {
	n := 0
	for _, l := range r.chain {
		if l.role.text != "" {
			n++
		}
	}
	return n
}

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
		return 0, fault.New(fault.Usage, flag, "write it as 1h, 90m or 3600", "%q is not a duration", Shorten(text))
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
		r.note(fmt.Sprintf("%s: %s is outside %s to %s, so %s is used",
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
