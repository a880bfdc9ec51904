package enroll

import (
	"context"
	"errors"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// RotateDevice replaces the profile's MFA device: a second one is enrolled and proven, all
// profiles that share the old one change over, and then the old one is removed. Without a
// name the new device has the old one's with "-2" added or taken away. Errors are as those
// of Enrol.
func (k *Keeper) RotateDevice(ctx context.Context, o DeviceOptions) (Result, error) {
	r, done, err := k.begin(ctx, Device, FlowRotateDevice)
	if err != nil {
		return Result{}, err
	}
	defer done()
	resumed := r.resumed
	if !resumed {
		if err := r.beginRotation(ctx, o.Name); err != nil {
			return Result{}, err
		}
	}
	old := r.entry.Old
	serial, err := r.through(ctx, o)
	return Result{User: r.who.User(), Serial: serial, Old: old, Resumed: resumed}, err
}

func (r *run) beginRotation(ctx context.Context, name string) error {
	old, err := r.current(ctx)
	if err != nil {
		return err
	}
	if name == "" {
		if name = (awsapi.Device{Serial: old}).Name(); name == "" {
			name = r.who.User()
		}
		name = otherName(name)
	}
	if err := r.beforeEnrolment(ctx); err != nil {
		return err
	}
	if r.entry.Copies, err = r.Settings.SeedStores(ctx, old); err != nil {
		return err
	}
	r.entry.Old = old
	return r.startDevice(ctx, FlowRotateDevice, name)
}

// RemoveDevice removes an MFA device from IAM, then its seed and its serial from all
// profiles; "" is the device of the profile. The last device of a user goes only once that
// is confirmed.
func (k *Keeper) RemoveDevice(ctx context.Context, serial string) (Result, error) {
	r, done, err := k.begin(ctx, Device, FlowRemoveDevice)
	if err != nil {
		return Result{}, err
	}
	defer done()
	resumed := r.resumed
	if !resumed {
		if err := r.beginRemoval(ctx, serial); err != nil {
			return Result{}, err
		}
	}
	old := r.entry.Old
	_, err = r.through(ctx, DeviceOptions{})
	return Result{User: r.who.User(), Old: old, Resumed: resumed}, err
}

func (r *run) beginRemoval(ctx context.Context, serial string) (err error) {
	if serial == "" {
		if serial, err = r.current(ctx); err != nil {
			return err
		}
	}
	devices, err := r.devices(ctx)
	if err != nil && !is(err, awsapi.Denied) {
		return err
	}
	sure := err == nil
	if !sure || len(devices) == 1 && has(devices, serial) {
		if err := r.Confirm(ctx, LastDevice{User: r.who.User(), Serial: serial, Sure: sure}); err != nil {
			return err
		}
	}
	copies, err := r.Settings.SeedStores(ctx, serial)
	if err != nil {
		return err
	}
	r.start(Device, FlowRemoveDevice)
	r.entry.Old, r.entry.Copies = serial, copies
	return r.enter(Removing)
}

// removeOld is the phase Removing. The seed goes last: as long as the device may be enabled,
// it can make the session that removes it.
func (r *run) removeOld(ctx context.Context) error {
	for _, serial := range r.entry.Orphans {
		if err := r.deleteOrphan(ctx, serial); err != nil {
			return err
		}
	}
	if r.entry.Old != "" {
		if err := r.retire(ctx, r.entry.Old); err != nil {
			return r.stillThere(err)
		}
	}
	if r.entry.Flow == FlowRemoveDevice {
		if err := r.Settings.ReplaceSerial(ctx, r.entry.Old, ""); err != nil {
			return err
		}
	}
	return r.finish()
}

// deleteOrphan deletes a device that was never enabled. One that is somebody's by now is
// none, and one that nobody here may delete is for an administrator.
func (r *run) deleteOrphan(ctx context.Context, serial string) error {
	switch err := r.deleteDevice(ctx, serial); {
	case err == nil:
		return r.Seeds.DeleteSeed(ctx, serial)
	case is(err, awsapi.StillAssigned):
		return nil
	case is(err, awsapi.Denied):
		r.tell(Orphaned, serial)
		return nil
	default:
		return err
	}
}

// retire takes a device from the user, deletes it if it is virtual, and forgets its seed.
func (r *run) retire(ctx context.Context, serial string) error {
	r.tell(RemovingDevice, serial)
	if r.resumed && r.gone(ctx, serial) {
		return r.deleteSeeds(ctx, serial)
	}
	err := r.call(ctx, repeatable, func(api IAM) error { return api.DeactivateMFADevice(ctx, r.who.User(), serial) })
	if err != nil && !is(err, awsapi.NotFound) {
		return err
	}
	if isVirtual(serial) {
		if err := r.deleteDevice(ctx, serial); err != nil {
			return err
		}
	}
	return r.deleteSeeds(ctx, serial)
}

// deleteSeeds removes the seed of the device that has gone, and the copies of it.
func (r *run) deleteSeeds(ctx context.Context, serial string) error {
	for _, store := range r.entry.Copies {
		if err := r.Seeds.DeleteCopy(ctx, store, serial); err != nil {
			return err
		}
	}
	return r.Seeds.DeleteSeed(ctx, serial)
}

// gone reports whether an earlier run has removed the device. It asks AWS, as there may be no
// session any more to call for what has been done.
func (r *run) gone(ctx context.Context, serial string) bool {
	list := r.devices
	if isVirtual(serial) {
		list = r.virtual
	}
	devices, err := list(ctx)
	return err == nil && !has(devices, serial)
}

func isVirtual(serial string) bool { return awsapi.Device{Serial: serial}.Name() != "" }

// stillThere says, of a rotation, that the new device works although the old one is there.
func (r *run) stillThere(err error) error {
	told, ok := errors.AsType[*fault.Error](err)
	if !ok || r.entry.Flow != FlowRotateDevice {
		return err
	}
	_, needsMFA := errors.AsType[*MFAError](err)
	again := retold(err, told.Thing, told.Remedy, "the new device is in use, the old one could not be removed: %s", told.Cause)
	if needsMFA {
		return &MFAError{again}
	}
	return again
}
