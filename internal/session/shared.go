package session

import (
	"context"
	"errors"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Fleet is what hosts with the same secrets share: sessions, failures, and which codes were sent. It is asked
// by who holds the lock, so once a host. Package fleet has the protocol.
type Fleet interface {
	// Await returns the session that is wished for, or the failure to get it, once another host has one of
	// them; or neither: this host has to get it. The error is ErrWaiting if another host is getting it and
	// this one cannot wait, or a *fault.Error.
	Await(ctx context.Context, w Wish) (*creds.Session, *rules.Failure, error)

	// Look returns the session, if another host has it by now.
	Look(ctx context.Context, w Wish) (*creds.Session, error)

	// Claim is to be called before the code of step of the device serial is sent. It is not free if another host may have sent it.
	// If another host has the session by now, it returns that.
	Claim(ctx context.Context, w Wish, serial string, step totp.Step) (s *creds.Session, free bool, err error)

	// Free takes back the claim of a code that was not sent.
	Free(ctx context.Context, serial string, step totp.Step)

	// Share and ShareFailure tell how it went. The times, now among them, are AWS's.
	Share(ctx context.Context, id string, s creds.Session, now time.Time)
	ShareFailure(ctx context.Context, id string, f rules.Failure, now time.Time)

	// Leave ends it: others need not wait for this host any more.
	Leave(ctx context.Context)
}

// Wish is what session a host asks its fleet for.
type Wish struct {
	ID       string
	Refresh  bool // not the one that is there now
	Optional bool // there is no need to wait for it

	// Accept reports whether a session will do. now is AWS's time as far as the fleet knows, or zero.
	Accept func(s creds.Session, now time.Time) bool

	// Heed reports whether a failure of a while ago is held off still.
	Heed func(f rules.Failure) bool
}

// ErrWaiting marks a failure to wait, which says nothing about the next process.
var ErrWaiting = errors.New("waiting")

const (
	// lookEvery is how often who waits for the next time step looks whether another host was faster.
	lookEvery = 2 * time.Second

	// strange is how far this machine's clock may be from the fleet's before AWS is asked for the time.
	strange = time.Minute
)

// shared returns the session of t that another host has, or its failure, or neither: then it is to be minted.
// Without a fleet that is so at once.
func (c *call) shared(ctx context.Context, t *rules.Target, d demand, b *LockedRecord) (*creds.Session, error) {
	if c.Fleet == nil {
		return nil, nil //nolint:nilnil // the session is to be minted here
	}
	s, err := c.secrets(ctx)
	switch {
	case err != nil && t.Source != nil:
		return nil, nil //nolint:nilnil // the session that signs may be cached, and nothing else is needed
	case err != nil:
		return nil, err
	}
	if c.fleet == nil {
		if c.fleet, err = c.Fleet(s.key.Secret, s.codes[c.plan.Serial].Origin, c.plan); err != nil || c.fleet == nil {
			return nil, err
		}
	}
	session, f, err := c.fleet.Await(ctx, c.wish(ctx, t, d))
	c.looked = c.Now()
	switch {
	case err != nil:
		if err = c.noFleet(ctx, err); d.optional && !errors.Is(err, ErrWaiting) {
			b.Record.Note(t.ID, rules.NewFailure(err, c.Now())) // so that the next process does not try at once
			b.Save()
		}
		return nil, err
	case f != nil:
		return nil, c.sharedFailure(ctx, t, *f, b)
	case session != nil:
		c.keep(t, *session)
		b.succeeded(t.ID)
	}
	return session, nil
}

// wish returns what the fleet is asked for to meet d.
func (c *call) wish(ctx context.Context, t *rules.Target, d demand) Wish {
	return Wish{
		ID: t.ID, Refresh: d.Refresh, Optional: d.optional,
		Accept: func(s creds.Session, now time.Time) bool {
			c.compareClock(ctx, now)
			return rules.Valid(s, c.now()) && c.meets(s, d)
		},
		Heed: func(f rules.Failure) bool { return !d.Refresh && c.now().Before(f.Until) },
	}
}

// compareClock asks AWS for the time, once, if this machine's clock differs from now, the fleet's. A host that
// is served by others only would never notice that its clock is wrong.
func (c *call) compareClock(ctx context.Context, now time.Time) {
	if now.IsZero() || c.compared || now.Sub(c.now()).Abs() <= strange {
		return
	}
	c.compared = true
	server, local := c.AskTime(ctx, c.read.key)
	if !server.IsZero() {
		c.clock = learn(c.Clock, c.clock, server, local)
	}
}

// sharedFailure notes a failure of another host as one of this one, and returns it.
func (c *call) sharedFailure(ctx context.Context, t *rules.Target, f rules.Failure, b *LockedRecord) error {
	f.At, f.Until = f.At.Add(-c.skew()), f.Until.Add(-c.skew())
	if f.Mark != "" {
		f.Mark, _ = c.mark(ctx, t) // the same but for the session that signs, which each host may have its own of
	}
	b.Record.Note(t.ID, f)
	b.Save()
	if f.At.Before(c.started) {
		f = f.Repeated(c.Now())
	}
	err := f.Err()
	err.Err = ErrWaiting // it is noted already, and shared
	return err
}

// share tells the fleet that the session of t was minted, or why it was not.
func (c *call) share(ctx context.Context, t *rules.Target, session creds.Session, f *rules.Failure) {
	switch {
	case c.fleet == nil, f != nil && f.Code && c.unsure:
	case f == nil:
		c.fleet.Share(ctx, t.ID, session, c.now())
	default:
		of := *f
		of.At = of.At.Add(c.skew())
		if !of.Until.IsZero() {
			of.Until = of.Until.Add(c.skew())
		}
		c.fleet.ShareFailure(ctx, t.ID, of, c.now())
	}
}

// errElsewhere says that another host may have sent a code.
var errElsewhere = errors.New("another host may have sent it")

// claim claims the code of a device for this host, or fails with errElsewhere. It returns the session that another
// host has by now.
func (c *call) claim(ctx context.Context, t *rules.Target, d demand, v *device) (*creds.Session, error) {
	s, free, err := v.ClaimIn(ctx, c.fleet, c.wish(ctx, t, d), v.serial, v.step)
	if err == nil && s == nil && !free {
		return nil, errElsewhere
	}
	return s, c.noFleet(ctx, err)
}

// hopes reports whether it is worth while to wait although there is no time for a code: another host may have the
// session until then.
func (c *call) hopes(ctx context.Context) bool {
	return c.fleet != nil && c.timeFor(ctx, minTimeToSend)
}

// look returns the session that another host has by now. It asks once in a while only.
func (c *call) look(ctx context.Context, t *rules.Target, d demand) (*creds.Session, error) {
	if c.fleet == nil || c.Now().Sub(c.looked) < lookEvery {
		return nil, nil //nolint:nilnil // nobody is asked
	}
	c.looked = c.Now()
	s, err := c.fleet.Look(ctx, c.wish(ctx, t, d))
	return s, c.noFleet(ctx, err)
}

// noFleet returns the error of the fleet as one for people.
func (c *call) noFleet(ctx context.Context, err error) error {
	if errors.Is(err, ErrWaiting) {
		return gaveUp(ctx, c.notWaiting("try again", "gave up waiting: another host is getting the session"))
	}
	return err
}

// leave ends what this call has to do with the fleet.
func (c *call) leave(ctx context.Context) {
	if c.fleet != nil {
		c.fleet.Leave(ctx)
	}
}
