package session

import (
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Status is what is known of one session without asking anybody.
type Status struct {
	ID      string
	RoleARN string        // of a role session; "" for a base session
	Expires time.Time     // of the cached session; zero if none is cached
	Left    time.Duration // until Expires, by the corrected clock

	// Stuck says, as a *fault.Error, that a suspended process holds the lock that the next one needs.
	Stuck error

	// Failure is the last failure to mint the session, if none has succeeded
	// since.
	Failure *rules.Failure
}

// Status tells the state of all sessions of plan, the one it ends with first.
func (b *Broker) Status(plan rules.Plan) []Status {
	c := b.begin(plan)
	var all []Status
	for t := plan.Target(); t != nil; t = t.Source {
		s := Status{ID: t.ID}
		if t.Role != nil {
			s.RoleARN = t.Role.ARN
		}
		if session, ok := c.cached(t); ok {
			s.Expires = session.Credentials.Expiration
			s.Left = session.Remaining(c.now())
		}
		scope := c.Scope(t.Scope)
		if _, _, suspended := scope.Holder(); suspended {
			s.Stuck = Taken(scope, plan.Serial)
		}
		if failure, ok := scope.Load().Failures[t.ID]; ok {
			s.Failure = &failure
		}
		all = append(all, s)
	}
	return all
}

// DeviceStatus is what is known of one device of a pool.
type DeviceStatus struct {
	Serial  string
	Failure *rules.Failure // why AWS has refused its last code
}

// Devices tells the state of the devices of a pool. Of an only device, its sessions tell.
func (b *Broker) Devices(plan rules.Plan) (all []DeviceStatus) {
	for _, serial := range plan.Devices() {
		name := rules.DeviceScope(serial)
		d := DeviceStatus{Serial: serial}
		if f, ok := b.Scope(name).Load().Failures[name]; ok {
			d.Failure = &f
		}
		if len(plan.Others) > 0 {
			all = append(all, d)
		}
	}
	return all
}

// Forget removes the hold-offs and remembered failures of plan's sessions, and
// returns the sessions' ids. Spent time steps stay remembered.
func (b *Broker) Forget(plan rules.Plan) []string {
	var ids []string
	if len(plan.Others) > 0 {
		for _, serial := range plan.Devices() {
			name := rules.DeviceScope(serial)
			Change(b.Scope(name), func(r *rules.Record) { r.Succeed(name) })
		}
	}
	for t := plan.Target(); t != nil; t = t.Source {
		ids = append(ids, t.ID)
		if scope := b.Scope(t.Scope); len(scope.Load().Failures) > 0 {
			Change(scope, func(r *rules.Record) { r.Succeed(t.ID) })
		}
	}
	return ids
}

// CheckTime refuses a time, AWS's as far as it is known, that no right clock shows. A call to AWS may
// correct it; a token code must not be shown for it. The error is a *fault.Error of kind Clock.
func CheckTime(now time.Time) error {
	if rules.Plausible(now) {
		return nil
	}
	return fault.New(fault.Clock, "clock", "set this machine's clock", "it shows %s, which cannot be right", fault.Time(now, time.Time{}))
}

// CurrentStep returns the time step that is running at AWS, how long it still lasts, and whether its
// code has been sent already by the device serial. It fails as CheckTime does.
func (b *Broker) CurrentStep(serial string) (step totp.Step, left time.Duration, spent bool, err error) {
	c := b.begin(rules.Plan{})
	now := c.now()
	step = totp.StepAt(now)
	record := c.Scope(rules.DeviceScope(serial)).Load()
	return step, step.End().Sub(now), record.Next(step) != step, CheckTime(now)
}
