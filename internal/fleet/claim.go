package fleet

import (
	"context"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// claimTTL is how long a claim is kept: longer than AWS takes a code by far.
const claimTTL = 10 * time.Minute

// Claim claims the code of a device and time step, before it is sent, for this host alone. It returns the session that is
// wished for, if another host has shared it meanwhile; or whether the code may be sent. It may not if
// another host has claimed it, or that of the next step: AWS may refuse those before the last it took. The
// error is as that of Await.
func (m *Member) Claim(ctx context.Context, w session.Wish, serial string, step totp.Step) (s *creds.Session, free bool, err error) {
	entry, name, next := m.name("entry", w.ID), m.claimName(serial, step), m.claimName(serial, step+1)
	values, left, err := m.get(ctx, entry, name, next)
	if err == nil {
		s, err = m.entry(w, entry, values[0], left)
	}
	if err == nil && s == nil {
		free, err = m.claim(ctx, serial, step, values[1], values[2])
	}
	if err != nil {
		return nil, true, m.without(w, err)
	}
	return s, free, nil
}

// claim claims a step of a device; present and next are the claims of it and of the next step. Whether a code that this
// host has sent stands in the way of the one before it, its own record knows: one that was refused, because its
// clock was fast, does not.
func (m *Member) claim(ctx context.Context, serial string, step totp.Step, present, next string) (free bool, err error) {
	name, following := m.claimName(serial, step), m.claimName(serial, step+1)
	if next != "" && next != m.claims[following] {
		_, err := m.open(following, next)
		return false, err
	}
	value := m.claims[name]
	if value == "" {
		if value, err = m.seal(name, []byte(m.Host)); err != nil {
			return false, err
		}
	}
	if present == "" {
		present, free, err = m.swap(ctx, name, "", value, claimTTL)
	}
	if err != nil {
		return false, err
	}
	if free || present == value {
		m.claims[name] = value
		m.Log.Debug("shared cache: time step claimed", "step", step)
		return true, nil
	}
	host, err := m.open(name, present)
	m.Log.Debug("shared cache: time step spent by another host", "step", step, "host", string(host))
	return false, err
}

// Free takes back the claim of a code that was certainly not sent.
func (m *Member) Free(ctx context.Context, serial string, step totp.Step) {
	name := m.claimName(serial, step)
	if value, claimed := m.claims[name]; claimed {
		if _, freed, err := m.swap(ctx, name, value, "", 0); freed && err == nil {
			delete(m.claims, name)
		}
	}
}
