package session

import (
	"context"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// This file chooses the MFA device whose code is sent. The lock of a session keeps it from being minted twice;
// the lock of a device keeps its codes from being sent twice. Where there is one device, the two are the same
// lock. In a pool, who mints a session takes the first device that is free at the moment, so that sessions do
// not wait for each other.

// busyPoll is how soon it is looked again whether another process has let go of a device.
const busyPoll = 50 * time.Millisecond

// device is an MFA device whose lock is held, and whose code can be sent now.
type device struct {
	*LockedRecord
	serial string
	id     string // that its failures are noted under
	pooled bool   // its lock and record are not those of the session
	codes  Codes
	step   totp.Step
	unlock func()
}

// device returns the first device that can be used now, or nil once it has waited for a moment because there is none.
// One that AWS has refused is passed over while it is held off, as is one whose seed is missing; who demands a
// refresh gets it if there is no other.
func (c *call) device(ctx context.Context, t *rules.Target, d demand, b *LockedRecord) (*device, error) {
	if c.now().Unix() < 0 {
		return nil, CheckTime(c.now())
	}
	v, wait, err := c.firstDevice(ctx, t, d, b, false)
	if v == nil && wait == 0 && d.Refresh {
		v, wait, err = c.firstDevice(ctx, t, d, b, true)
	}
	switch {
	case v == nil && wait == 0:
		return nil, err
	case v == nil:
		return nil, c.waitForDevice(ctx, d, wait, err)
	case !d.optional && !c.timeFor(ctx, minTimeToSend):
		v.unlock()
		return nil, c.notWaiting("try again", "too little time is left for a call to AWS")
	}
	if v.pooled {
		c.Log.Debug("MFA device chosen", "serial", v.serial)
	}
	return v, nil
}

// firstDevice returns the first device that can be used now. If there is none, it returns how long to wait for one,
// and the failure if that is too long; or 0, and why no device is of any use.
func (c *call) firstDevice(ctx context.Context, t *rules.Target, d demand, b *LockedRecord, held bool) (*device, time.Duration, error) {
	var soonest time.Duration
	var why error
	all := c.plan.Devices()
	for i := range all {
		v, wait, err := c.openDevice(ctx, all[(c.Start+i)%len(all)], t, d, b, held)
		kind := fault.KindOf(err)
		switch {
		case v != nil:
			return v, 0, nil
		case wait == 0 && kind != fault.Refused && kind != fault.NoSecret:
			return nil, 0, err
		case wait > 0 && (soonest == 0 || wait < soonest):
			soonest, why = wait, err
		case why == nil:
			why = err
		}
	}
	return nil, soonest, why
}

// openDevice takes a device, if it can be used now; it returns what firstDevice does.
func (c *call) openDevice(ctx context.Context, serial string, t *rules.Target, d demand, b *LockedRecord, held bool) (*device, time.Duration, error) {
	v := &device{LockedRecord: b, serial: serial, id: t.ID, unlock: func() {}}
	if name := rules.DeviceScope(serial); name != t.Scope {
		scope := c.Scope(name)
		unlock, free, err := scope.TryLock()
		if err != nil {
			return nil, 0, err
		}
		if !free {
			return nil, busyPoll, waiting(Taken(scope, serial))
		}
		v.LockedRecord, v.id, v.pooled, v.unlock = &LockedRecord{Scope: scope, Record: scope.Load(), Log: c.Log}, name, true, unlock
	}
	wait, err := c.ready(ctx, v, d, held)
	if wait > 0 || err != nil {
		v.unlock()
		return nil, max(wait, 0), err
	}
	return v, 0, nil
}

// ready readies a device, or says how long to wait for its next time step, or why it is of no use.
func (c *call) ready(ctx context.Context, v *device, d demand, held bool) (wait time.Duration, err error) {
	choice := func() time.Duration {
		v.step, wait = choose(v.Record, c.now(), d.from)
		if d.Ahead {
			wait -= totp.Period - rules.ClockNoise
		}
		return wait
	}
	spent := func() (time.Duration, error) {
		return wait, waiting(fault.New(fault.Deadline, "MFA device "+v.serial, "try again then; jobs that often meet here want MFA devices of their own (a user can have eight)",
			"its codes up to now are spent, the next one is free in %s", fault.About(wait)))
	}
	if choice() > 0 {
		return spent()
	}
	if v.codes, err = c.codesOf(ctx, v.serial); err != nil {
		return 0, err
	}
	if f, off := v.Record.Held(v.id, c.Now()); off && v.pooled && !held && (f.Mark == "" || f.Mark == c.markOf(v.codes)) {
		return 0, f.Repeated(c.Now()).Err()
	}
	if choice() > 0 { // to read the seed has taken its time
		return spent()
	}
	return 0, nil
}

// waitForDevice waits for a moment, where the wait is for so long: not if d has a session to fall back on, and not if ctx
// ends before it is over, which is the failure why.
func (c *call) waitForDevice(ctx context.Context, d demand, wait time.Duration, why error) error {
	switch {
	case d.optional:
		return c.notWaiting("", "the code of this time step is spent")
	case !c.timeFor(ctx, wait+minTimeToSend) && !c.hopes(ctx):
		return why
	}
	c.Log.Debug("waiting for the next time step", "wait", wait)
	if c.Waiting != nil && wait > busyPoll {
		c.Waiting(wait)
		defer c.Waiting(0)
	}
	if err := c.Sleep(ctx, min(wait, stepPoll)); err != nil {
		return gaveUp(ctx, c.notWaiting("try again", "gave up waiting: the next time step has not begun"))
	}
	return nil
}

// codesOf returns the codes of a device. Those of the first one are among the secrets.
func (c *call) codesOf(ctx context.Context, serial string) (Codes, error) {
	codes, read := c.read.codes[serial]
	if read {
		return codes, nil
	}
	codes, err := c.Secrets.Codes(ctx, serial)
	if err == nil {
		c.read.codes[serial] = codes
	}
	return codes, err
}

// markOf returns the mark of what AWS is asked with, if the code is of these.
func (c *call) markOf(codes Codes) string {
	return c.plan.Mark(c.read.key.Secret.Reveal(), codes.Origin.Reveal())
}

// aboutDevice reports whether a refusal may be that of one device alone.
func aboutDevice(err error) bool {
	kind := awsapi.KindOf(err)
	return kind == awsapi.CodeRefused || kind == awsapi.DeviceUnknown
}

// judge notes what the answer err says of a device of a pool. That AWS refuses the only device is noted of its session.
func (c *call) judge(v *device, err error) error {
	switch {
	case err == nil:
		v.succeeded(rules.DeviceScope(v.serial))
	case v.pooled && aboutDevice(err):
		err = c.explained(err, v.Record, v.id, v.serial, c.markOf(v.codes))
		v.Record.Fail(v.id, c.failure(err, c.markOf(v.codes)))
		v.Save()
	}
	return err
}

// spare reports whether a pool has a device that is not held off: it may serve where another was refused.
func (c *call) spare() bool {
	for _, serial := range c.plan.Devices() {
		name := rules.DeviceScope(serial)
		if _, held := c.Scope(name).Load().Held(name, c.Now()); !held && len(c.plan.Others) > 0 {
			return true
		}
	}
	return false
}
