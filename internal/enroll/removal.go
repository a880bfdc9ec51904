package enroll

import (
	"context"
	"errors"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
)

// removeOld is the phase Removing. The seed is deleted last: as long as the device may be enabled,
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
		if err := r.replaceSerial(ctx, r.entry.Old, ""); err != nil {
			return err
		}
	}
	if len(r.entry.Rest) == 0 {
		return r.finish()
	}
	r.entry.Old, r.entry.Rest = r.entry.Rest[0], r.entry.Rest[1:]
	copies, err := r.seedStores(r.entry.Old)
	if err != nil {
		return err
	}
	r.entry.Copies = copies
	return r.enter(Removing)
}

// deleteOrphan deletes a device that was never enabled. One that has been enabled since stays, and so
// does one that this user may not delete.
func (r *run) deleteOrphan(ctx context.Context, serial string) error {
	switch err := r.deleteDevice(ctx, serial); {
	case err == nil:
		return r.seeds.DeleteSeed(ctx, serial)
	case is(err, awsapi.StillAssigned):
		return nil
	case is(err, awsapi.Denied):
		r.progress("%s is not enabled for anyone, and this user may not delete it: ask an administrator", serial)
		return nil
	default:
		return err
	}
}

// retire deactivates a device, deletes it if it is virtual, and deletes its seed.
func (r *run) retire(ctx context.Context, serial string) error {
	r.progress("Removing %s from IAM", serial)
	if r.resumed && r.gone(ctx, serial) {
		return r.deleteSeeds(ctx, serial)
	}
	err := r.call(ctx, repeatable, func(api IAM) error { return api.DeactivateMFADevice(ctx, r.who.User(), serial) })
	others := is(err, awsapi.NotFound) && !r.resumed
	if err := unlessGone(err); err != nil {
		return err
	}
	if isVirtual(serial) {
		switch err := r.deleteDevice(ctx, serial); {
		case is(err, awsapi.StillAssigned) && others:
			return r.stays(serial, err)
		case err != nil:
			return err
		}
	}
	return r.deleteSeeds(ctx, serial)
}

// stays leaves a device that is another user's by now as it is, and its seed too, which may be the only one.
func (r *run) stays(serial string, err error) error {
	if r.entry.Flow == FlowRotateDevice {
		r.progress("%s is enabled for another user, and stays", serial)
		return nil
	}
	return errors.Join(reworded(err, "MFA device "+serial, "delete only what is stored here: aws-mfa-creds remove --profile NAME", "it is enabled for another user"), r.finish())
}

// deleteSeeds deletes the seed of the removed device, and its copies.
func (r *run) deleteSeeds(ctx context.Context, serial string) error {
	for _, store := range r.entry.Copies {
		if store == keystore.KindEnv {
			continue
		}
		items, err := r.Open(store)
		if err != nil {
			return err
		}
		if err := items.DeleteSeed(ctx, serial); err != nil {
			return err
		}
	}
	return r.seeds.DeleteSeed(ctx, serial)
}

// gone reports whether an earlier run has removed the device. It asks AWS instead of removing it
// again, as that may need a session that can no longer be had.
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
	failure, ok := errors.AsType[*fault.Error](err)
	if !ok || r.entry.Flow != FlowRotateDevice {
		return err
	}
	_, needsMFA := errors.AsType[*MFAError](err)
	again := reworded(err, failure.Thing, failure.Remedy, "the new device is in use, but the old one could not be removed: %s", failure.Cause)
	if needsMFA {
		return &MFAError{again}
	}
	return again
}
