package fleet

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

const (
	// margin is how long before its end a session is not shared any more.
	margin = 2 * time.Minute

	leaseTTL   = 10 * time.Second
	leaseRenew = 3 * time.Second

	// leaseDead is how long a lease may stay as it is before its holder counts as gone, whatever the engine
	// says. It is measured by this host alone.
	leaseDead = 15 * time.Second

	// aloneLimit is what a run must have left to get the session alone, if it waits for nobody any more.
	aloneLimit = 15 * time.Second

	firstPoll = 50 * time.Millisecond
	lastPoll  = 500 * time.Millisecond
)

// lease is a right to get a session that this host holds.
type lease struct {
	value string
	since time.Time // of the last renewal
}

// seen is what is stored about one session.
type seen struct {
	session *creds.Session // if it is what was wished for
	failure string         // sealed
	lease   string         // sealed
}

// Await looks for the session that is wished for, and while another host is getting it, waits. It returns the
// session, or why it could not be had, or neither: then it is this host that has to get it. The error is
// session.ErrWaiting where it cannot wait: there is no need to, or this run is to end. It is a *fault.Error
// if an engine is required and fails.
func (m *Member) Await(ctx context.Context, w session.Wish) (*creds.Session, *rules.Failure, error) {
	if w.Optional {
		m.left = min(m.left, optionalLimit)
	}
	deadline, limited := ctx.Deadline()
	now, err := m.look(ctx, w)
	first, last, since := now, now.lease, m.Now()
	for wait, turn := firstPoll, false; err == nil; wait = min(2*wait, lastPoll) {
		if now.session != nil {
			return now.session, nil, nil
		}
		var f *rules.Failure
		if f, err = m.failure(w, first, now); f != nil || err != nil {
			return nil, f, m.without(w, err)
		}
		if now.lease == "" && m.Now().Sub(m.lost) < leaseTTL && m.Now().Sub(since) < leaseDead {
			now.lease = last // its holder may be getting the session still, with a code that is claimed no more
		}
		held := now.lease != "" && now.lease == m.leases[w.ID].value
		if turn || held || now.lease != "" && !w.Optional && limited && time.Until(deadline) < aloneLimit {
			return nil, nil, nil
		}
		if now.lease != last {
			last, since = now.lease, m.Now()
		}
		if turn, err = m.contend(ctx, w, now.lease, m.Now().Sub(since) >= leaseDead, wait); err == nil {
			now, err = m.look(ctx, w)
		}
	}
	return nil, nil, m.without(w, err)
}

// contend takes the lease of the session, if it is free or its holder is dead, or else waits. It reports whether
// it is this host's turn now: it is also if the engine keeps a lease that nobody holds.
func (m *Member) contend(ctx context.Context, w session.Wish, lease string, dead bool, wait time.Duration) (turn bool, err error) {
	if lease == "" || dead {
		won, err := m.take(ctx, w.ID, lease)
		if won || dead || err != nil {
			return err == nil, err
		}
	}
	if w.Optional {
		return false, session.ErrWaiting
	}
	m.Log.Debug("shared cache: another host is getting the session", "wait", wait)
	return false, m.pause(ctx, wait)
}

// Look returns the session that is wished for, if another host has shared it, and keeps the leases alive
// meanwhile. An engine that has failed is tried again. The error is as that of Await.
func (m *Member) Look(ctx context.Context, w session.Wish) (*creds.Session, error) {
	now, err := m.look(ctx, w)
	if err == nil {
		err = m.renew(ctx)
	}
	if err != nil {
		return nil, m.without(w, err)
	}
	return now.session, nil
}

// look asks the engine about a session. In the first look of a refresh it finds what is to be replaced.
func (m *Member) look(ctx context.Context, w session.Wish) (now seen, err error) {
	entry := m.name("entry", w.ID)
	values, left, err := m.get(ctx, entry, m.failureName(w.ID), m.name("lease", w.ID))
	if err != nil {
		return seen{}, err
	}
	now.failure, now.lease = values[1], values[2]
	if now.lease != "" {
		if _, err := m.open(m.name("lease", w.ID), now.lease); err != nil {
			return seen{}, err
		}
	}
	now.session, err = m.entry(w, entry, values[0], left)
	return now, err
}

// entry returns the session in an entry, if it is what was wished for.
func (m *Member) entry(w session.Wish, name, value string, left time.Duration) (*creds.Session, error) {
	var s creds.Session
	if value != "" {
		var err error
		if s, err = m.key.UnsealSession(name, []byte(value)); err != nil {
			return nil, m.give(errForged, false)
		}
	}
	passed, looked := m.passed[w.ID]
	if w.Refresh && !looked {
		m.passed[w.ID] = s.Minted
	}
	var now time.Time
	if left > 0 {
		now = s.Credentials.Expiration.Add(-margin - left)
	}
	if value == "" || w.Refresh && !looked || looked && !s.Minted.After(passed) || !w.Accept(s, now) {
		return nil, nil //nolint:nilnil // there is none that counts
	}
	return &s, nil
}

// failure returns the failure that is to be shared: one that has come since the first look, or was held off then.
func (m *Member) failure(w session.Wish, first, now seen) (*rules.Failure, error) {
	if now.failure == "" {
		return nil, nil //nolint:nilnil // that there is none is no failure
	}
	content, err := m.open(m.failureName(w.ID), now.failure)
	var f rules.Failure
	if err == nil && json.Unmarshal(content, &f) != nil {
		err = m.give(errForged, false)
	}
	if err != nil || now.failure == first.failure && !w.Heed(f) {
		return nil, err
	}
	return &f, nil
}

// failureName tells apart how AWS is reached: what is refused in one region may not be in another.
func (m *Member) failureName(id string) string { return m.name("failure", id, m.route) }

// take takes the lease of a session, which is old now, and reports whether it could.
func (m *Member) take(ctx context.Context, id, old string) (bool, error) {
	name := m.name("lease", id)
	value, err := m.seal(name, []byte(m.Host))
	if err != nil {
		return false, err
	}
	_, won, err := m.swap(ctx, name, old, value, leaseTTL)
	if won && err == nil {
		m.leases[id] = lease{value, m.Now()}
		m.Log.Debug("shared cache: this host gets the session")
	}
	return won, err
}

// pause waits, and keeps the leases alive.
func (m *Member) pause(ctx context.Context, d time.Duration) error {
	if m.Sleep(ctx, time.Duration(float64(d)*(0.5+m.Random()))) != nil {
		return session.ErrWaiting
	}
	return m.renew(ctx)
}

// renew renews the leases that are due. One that is lost meanwhile is not asked for again.
func (m *Member) renew(ctx context.Context) error {
	for id, l := range m.leases {
		if m.Now().Sub(l.since) < leaseRenew {
			continue
		}
		won, err := m.take(ctx, id, l.value)
		if err != nil {
			return err
		}
		if !won {
			delete(m.leases, id)
		}
	}
	return nil
}

// Share puts a session into the shared cache.
func (m *Member) Share(ctx context.Context, id string, s creds.Session, now time.Time) {
	name := m.name("entry", id)
	value, err := m.key.SealSession(name, s)
	m.put(ctx, "session", name, string(value), s.Remaining(now)-margin, err)
}

// ShareFailure tells the other hosts why a session could not be had; its times are AWS's. It does so only
// for one that is to be held off.
func (m *Member) ShareFailure(ctx context.Context, id string, f rules.Failure, now time.Time) {
	const remembered = 30 * time.Minute
	if f.Until.IsZero() {
		return
	}
	name, value := m.failureName(id), ""
	content, err := json.Marshal(f)
	if err == nil {
		value, err = m.seal(name, content)
	}
	m.put(ctx, "failure", name, value, f.Until.Sub(now)+remembered, err)
}

// put puts a result, unless err has kept it from being sealed. It is worth a try even if the engine has failed.
func (m *Member) put(ctx context.Context, what, name, value string, ttl time.Duration, err error) {
	if ttl <= 0 {
		return
	}
	if m.tried = (time.Time{}); err == nil {
		err = m.do(ctx, func(ctx context.Context) error { return m.Engine.Put(ctx, name, value, ttl) })
	}
	m.Log.Debug("shared cache: "+what+" shared", "error", err)
}
