package enroll

import (
	"context"
	"errors"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
)

// maxDevices is how many MFA devices IAM allows a user ("IAM and AWS STS quotas").
const maxDevices = 8

// maxPairs is how often two codes are sent where AWS did not look at them.
const maxPairs = 3

// step runs one phase. Each can be run again, whatever of it has been done.
func (r *run) step(ctx context.Context, o DeviceOptions) error {
	switch r.entry.Phase {
	case Creating:
		return r.create(ctx, o)
	case Stored:
		return r.enable(ctx)
	case Enabled:
		return r.adopt(ctx)
	default:
		return r.removeOld(ctx)
	}
}

// enable is the phase Stored: the device exists and its seed is safe.
func (r *run) enable(ctx context.Context) error {
	serial := r.entry.Serial
	if _, err := r.Seeds.Seed(ctx, serial); missing(err) {
		return r.seedless(ctx)
	} else if err != nil {
		return err
	}
	if r.resumed {
		switch already, err := r.lookAgain(ctx); {
		case err != nil:
			return err
		case already:
			return r.enter(Enabled)
		}
	}
	r.tell(Enabling, serial)
	for try := 1; ; try++ {
		err := r.call(ctx, never, func(api IAM) error { return r.sendPair(ctx, serial, api.EnableMFADevice) })
		switch {
		case err == nil, is(err, awsapi.AlreadyExists): // nobody else has its seed
			return r.enter(Enabled)
		case uncertain(err) && r.enabledAlready(ctx):
			return r.enter(Enabled)
		case is(err, awsapi.NotFound) && r.resumed:
			return r.again(ctx)
		case try < maxPairs && (repeatable(err) || is(err, awsapi.NotFound)): // a new device may not be known at once
			r.Log.Debug("not enabled yet", "error", err)
		case definite(err):
			return r.undo(ctx, r.told(ctx, err))
		default:
			return err
		}
	}
}

// lookAgain finds out how far an earlier run has come.
func (r *run) lookAgain(ctx context.Context) (enabled bool, err error) {
	devices, err := r.devices(ctx)
	if is(err, awsapi.Denied) {
		return false, nil
	}
	if err != nil || has(devices, r.entry.Serial) {
		return err == nil, err
	}
	return false, r.withMFABeside(ctx, devices)
}

// enabledAlready reports whether AWS lists the device as one of the user's. Where it does not
// tell, the next try will.
func (r *run) enabledAlready(ctx context.Context) bool {
	devices, err := r.devices(ctx)
	return err == nil && has(devices, r.entry.Serial)
}

// devices lists the devices of the user.
func (r *run) devices(ctx context.Context) (devices []awsapi.Device, err error) {
	err = r.call(ctx, repeatable, func(api IAM) (err error) {
		devices, err = api.ListMFADevices(ctx, r.who.User())
		return err
	})
	return devices, err
}

func has(devices []awsapi.Device, serial string) bool {
	for _, d := range devices {
		if d.Serial == serial {
			return true
		}
	}
	return false
}

// told lists the devices where there are too many of them.
func (r *run) told(ctx context.Context, err error) error {
	if !is(err, awsapi.LimitExceeded) {
		return err
	}
	if devices, none := r.devices(ctx); none == nil && len(devices) >= maxDevices {
		return tooMany(r.who.User(), devices)
	}
	return err
}

// undo removes a device that cannot be enabled, and its seed, and returns cause. What cannot be
// undone is kept whole: the next run enables the same device.
func (r *run) undo(ctx context.Context, cause error) error {
	r.tell(Undoing, r.entry.Serial)
	if err := r.deleteDevice(ctx, r.entry.Serial); err != nil {
		r.Log.Debug("not undone", "error", err)
		if r.entry.Phase == Stored {
			r.tell(Kept, r.entry.Serial)
		}
		return cause
	}
	if err := r.Seeds.DeleteSeed(ctx, r.entry.Serial); err != nil {
		return also(cause, err)
	}
	return also(cause, r.giveUp())
}

// also adds a failure to clean up to its cause, which stays the one that is told.
func also(cause, err error) error {
	if err == nil {
		return cause
	}
	return errors.Join(cause, err)
}

// giveUp ends a flow that has nothing of its own in IAM any more, but for orphans: they stay in
// the journal until somebody may delete them. The next run begins with the name of one, since
// what has the present name is not ours.
func (r *run) giveUp() error {
	if len(r.entry.Orphans) > 0 {
		orphan := awsapi.Device{Serial: r.entry.Orphans[0]}
		r.entry.Name, r.entry.Serial, r.entry.Free = orphan.Name(), orphan.Serial, true
		return r.enter(Creating)
	}
	return r.finish()
}

// again makes the device anew after it has gone. It may only seem to have: one that is found
// then is still ours.
func (r *run) again(ctx context.Context) error {
	if err := r.Seeds.DeleteSeed(ctx, r.entry.Serial); err != nil {
		return err
	}
	r.entry.Free = true
	err := r.enter(Creating)
	r.resumed = true
	return err
}

// seedless is for a seed that has gone from the store. The device is of no use.
func (r *run) seedless(ctx context.Context) error {
	err := r.deleteDevice(ctx, r.entry.Serial)
	if is(err, awsapi.StillAssigned) {
		return seedGone(r.who.User(), r.entry.Serial)
	}
	if err != nil {
		return err
	}
	return r.again(ctx)
}

// deleteDevice removes a device that is not enabled. That there is none is no error.
func (r *run) deleteDevice(ctx context.Context, serial string) error {
	err := r.call(ctx, repeatable, func(api IAM) error { return api.DeleteVirtualMFADevice(ctx, serial) })
	if is(err, awsapi.NotFound) {
		return nil
	}
	return err
}
