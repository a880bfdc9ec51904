package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// maxPairs is how often two codes are sent where AWS did not look at them.
const maxPairs = 3

// enable is the phase Stored: the device exists and its seed is safe.
func (r *run) enable(ctx context.Context) error {
	serial := r.entry.Serial
	if _, err := r.seeds.Seed(ctx, serial); missing(err) {
		return r.seedless(ctx)
	} else if err != nil {
		return err
	}
	if r.resumed {
		devices, err := r.devices(ctx)
		switch {
		case is(err, awsapi.Denied): // the call below will show
		case err != nil:
			return err
		case has(devices, serial):
			return r.enter(Enabled)
		default:
			if err := r.withMFABeside(ctx, devices); err != nil {
				return err
			}
		}
	}
	r.progress("Enabling %s", serial)
	for try := 1; ; try++ {
		err := r.call(ctx, never, func(api IAM) error { return r.sendPair(ctx, serial, api.EnableMFADevice) })
		switch {
		case err == nil, is(err, awsapi.AlreadyExists): // only this flow has its seed
			return r.enter(Enabled)
		case uncertain(err) && r.enabledAlready(ctx):
			return r.enter(Enabled)
		case is(err, awsapi.NotFound) && r.resumed:
			return r.again(ctx)
		case try < maxPairs && (repeatable(err) || is(err, awsapi.NotFound)): // a new device may not be known at once
			r.Log.Debug("not enabled yet", "error", err)
		case definite(err):
			return r.undo(ctx, r.withList(ctx, err))
		default:
			return err
		}
	}
}

// enabledAlready reports whether AWS lists the device as one of the user's. Where it does not
// say, the next try will show.
func (r *run) enabledAlready(ctx context.Context) bool {
	devices, err := r.devices(ctx)
	return err == nil && has(devices, r.entry.Serial)
}

// withList lists the devices where there are too many of them.
func (r *run) withList(ctx context.Context, err error) error {
	if !is(err, awsapi.LimitExceeded) {
		return err
	}
	if devices, none := r.devices(ctx); none == nil && len(devices) >= profile.MaxDevices {
		return tooMany(r.who.User(), devices, 1)
	}
	return err
}

// undo removes a device that cannot be enabled, and its seed, and returns cause. What cannot be
// undone is kept whole: the next run enables the same device.
func (r *run) undo(ctx context.Context, cause error) error {
	r.progress("Removing %s again", r.entry.Serial)
	if err := r.deleteDevice(ctx, r.entry.Serial); err != nil {
		r.Log.Debug("not undone", "error", err)
		if r.entry.Phase == Stored {
			r.progress("%s could not be removed; the next run will use it", r.entry.Serial)
		}
		return cause
	}
	if err := r.seeds.DeleteSeed(ctx, r.entry.Serial); err != nil {
		return errors.Join(cause, err)
	}
	return errors.Join(cause, r.giveUp())
}

// giveUp ends a flow that has nothing of its own left in IAM, except orphans: they stay in
// the journal until a run may delete them. The next run begins with the name of one, since
// the device of the present name is not ours.
func (r *run) giveUp() error {
	if len(r.entry.Orphans) > 0 {
		orphan := awsapi.Device{Serial: r.entry.Orphans[0]}
		r.entry.Name, r.entry.Serial, r.entry.Free = orphan.Name(), orphan.Serial, true
		return r.enter(Creating)
	}
	return r.finish()
}

// again creates a device that is missing in IAM once more. It may only seem to be missing: one that
// is found then is still ours.
func (r *run) again(ctx context.Context) error {
	if err := r.seeds.DeleteSeed(ctx, r.entry.Serial); err != nil {
		return err
	}
	r.entry.Free = true
	err := r.enter(Creating)
	r.resumed = true
	return err
}

// seedless deletes a device whose seed is missing from the store: it is of no use.
func (r *run) seedless(ctx context.Context) error {
	err := r.deleteDevice(ctx, r.entry.Serial)
	if is(err, awsapi.StillAssigned) {
		return fault.New(fault.NoSecret, "MFA device "+r.entry.Serial,
			r.deactivate(r.entry.Serial), "it is enabled, but its seed is missing from the store")
	}
	if err != nil {
		return err
	}
	return r.again(ctx)
}

// deleteDevice removes a device that is not enabled. That there is none is no error.
func (r *run) deleteDevice(ctx context.Context, serial string) error {
	return unlessGone(r.call(ctx, repeatable, func(api IAM) error { return api.DeleteVirtualMFADevice(ctx, serial) }))
}

const (
	// knownWithin is how long AWS may need to know a new device or key everywhere.
	knownWithin = time.Minute

	// askAgain is the pause before it is asked again.
	askAgain = 3 * time.Second
)

// proveDevice shows that the device makes sessions. AWS may have enabled it out of sync, since
// the codes came late; that is repaired once.
func (r *run) proveDevice(ctx context.Context, serial string) error {
	err := r.prove(ctx, Proof{Serial: serial})
	if !is(err, awsapi.CodeRefused) {
		return err
	}
	if err := r.resync(ctx, serial); err != nil {
		return err
	}
	return r.prove(ctx, Proof{Serial: serial})
}

// prove makes a real session. What is new may be refused for a while.
func (r *run) prove(ctx context.Context, p Proof) error {
	r.progress("Getting a session with %s", p.Serial)
	return r.untilKnown(ctx, worthAsking, func() error { return r.Prove(ctx, p) })
}

// untilKnown calls f until AWS knows what is new everywhere, for a minute, while again says so.
func (r *run) untilKnown(ctx context.Context, again func(error) bool, f func() error) error {
	for deadline := r.Now().Add(knownWithin); ; {
		err := f()
		if err == nil || !again(err) || !r.Now().Before(deadline) {
			return err
		}
		r.Log.Debug("not known yet", "error", err)
		if err := r.pause(ctx, askAgain); err != nil {
			return err
		}
	}
}

// worthAsking reports whether a session may be had a little later. GetSessionToken needs no
// permission: what it refuses other than a code is a device or a key that it does not
// know.
func worthAsking(err error) bool {
	switch awsapi.KindOf(err) {
	case awsapi.None, awsapi.CodeRefused, awsapi.ClockRefused, awsapi.Unreachable:
		return false
	default:
		return true
	}
}

// resync makes AWS follow the device's codes.
func (r *run) resync(ctx context.Context, serial string) error {
	r.progress("Resynchronizing %s", serial)
	return r.call(ctx, repeatable, func(api IAM) error {
		return r.sendPair(ctx, serial, api.ResyncMFADevice)
	})
}
