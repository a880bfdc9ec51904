package enroll

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// DeviceOptions are the wishes about a new device.
type DeviceOptions struct {
	// Name is the name of the device. "" is DefaultName for the user and Host, or the user's
	// name if a policy denies that.
	Name string
	Host string

	// Pool is how many devices the profile is to have. 0: one, in the place of the one that it has.
	Pool int

	// Serial is the device that is replaced. "": the profile's first.
	Serial string

	// ReplaceUnassigned deletes a device of the same name first, if it is not enabled for a user.
	ReplaceUnassigned bool
}

// Result is what came of a flow on a device.
type Result struct {
	User   string
	Serial string // of the device that the profile has now; "" after a removal
	Old    string // of the device that was removed, or ""

	Devices int // that profiles.ini has for the profile now
}

// Enroll makes a virtual MFA device, enables it for the user, makes it the profile's and proves
// it by a session. Errors are *fault.Error, for the most part in an *awsapi.Error; where AWS
// wants MFA first, an *MFAError. After an error either nothing is left, or the next
// run goes on. The Serial of a Result is "" if the pool is complete already.
func (m *Manager) Enroll(ctx context.Context, o DeviceOptions) (Result, error) {
	return m.changeDevice(ctx, FlowEnroll, o, func(r *run) error { return r.beginDevice(ctx, o) })
}

// RotateDevice replaces the profile's MFA device: a second one is enrolled and proven, all
// profiles that share the old one change over, and then the old one is removed. Without a
// name the new device has the old one's with "-2" added or taken away. Errors are as those
// of Enroll.
func (m *Manager) RotateDevice(ctx context.Context, o DeviceOptions) (Result, error) {
	return m.changeDevice(ctx, FlowRotateDevice, o, func(r *run) error {
		old, err := r.device(o.Serial)
		if err != nil {
			return err
		}
		devices, err := r.beforeCreation(ctx, 1)
		if err != nil {
			return err
		}
		name := cmp.Or(o.Name, otherName(cmp.Or(awsapi.Device{Serial: old}.Name(), r.who.User())))
		if ours, err := r.ours(); err == nil && len(ours) > 1 && o.Name == "" {
			name = r.freeName(cmp.Or(awsapi.Device{Serial: ours[0]}.Name(), name), ours, devices)
		}
		copies, err := r.seedStores(old)
		if err != nil {
			return err
		}
		return r.startDevice(ctx, name, Entry{Flow: FlowRotateDevice, Old: old, Copies: copies})
	})
}

// RemoveDevice removes an MFA device from IAM, then its seed and its serial from all
// profiles; "" is the device of the profile. Then it does the same with the others. The last device of a user is
// removed only once that is confirmed.
func (m *Manager) RemoveDevice(ctx context.Context, serial string, others ...string) (Result, error) {
	resumed := true
	result, err := m.changeDevice(ctx, FlowRemoveDevice, DeviceOptions{}, func(r *run) error {
		resumed = false
		serial, err := r.device(serial)
		if err != nil {
			return err
		}
		devices, err := r.devices(ctx)
		if err != nil && !is(err, awsapi.Denied) {
			return err
		}
		sure, all := err == nil, append([]string{serial}, others...)
		stays := func(d awsapi.Device) bool { return !slices.Contains(all, d.Serial) }
		if !sure || len(devices) > 0 && !slices.ContainsFunc(devices, stays) {
			if err := r.Confirm(ctx, LastDevice{User: r.who.User(), Serial: strings.Join(all, ", "), Sure: sure}); err != nil {
				return err
			}
		}
		copies, err := r.seedStores(serial)
		if err != nil {
			return err
		}
		return r.start(ctx, Removing, Entry{About: Device, Flow: FlowRemoveDevice, Old: serial, Rest: others, Copies: copies})
	})
	if err != nil || !resumed {
		return result, err
	}
	_, own, err := m.own() // the earlier run may have been about other devices
	left := slices.DeleteFunc(append([]string{serial}, others...), func(s string) bool { return !slices.Contains(own.Devices(), s) })
	if err != nil || len(left) == 0 {
		return result, err
	}
	return m.RemoveDevice(ctx, left[0], left[1:]...)
}

// Resync makes AWS accept a device again whose codes it refuses, with two consecutive codes,
// and proves it by a session; "" is the device of the profile.
func (m *Manager) Resync(ctx context.Context, serial string) error {
	return m.locked(func(r *run) (err error) {
		if serial, err = r.device(serial); err == nil {
			err = r.identify(ctx)
		}
		if err == nil {
			err = r.dial(ctx)
		}
		if err != nil {
			return err
		}
		err = r.resync(ctx, serial)
		if is(err, awsapi.CodeRefused) {
			return reworded(err, "MFA device "+serial, r.deactivate(serial), "AWS refused two pairs of token codes, so the stored seed is not that of the device")
		}
		if err != nil {
			return err
		}
		return r.prove(ctx, Proof{Serial: serial})
	})
}

// changeDevice begins a flow, unless an earlier run has, and runs the phases that are left.
func (m *Manager) changeDevice(ctx context.Context, flow Flow, o DeviceOptions, begin func(*run) error) (result Result, err error) {
	err = m.locked(func(r *run) error {
		err := r.begin(ctx, Device, flow)
		switch {
		case err != nil:
		case !r.resumed:
			err = begin(r)
		case o.Pool > 0:
			r.entry.Pool = o.Pool
		case flow == FlowEnroll && r.entry.Phase == Creating && r.entry.Pool == 0 && o.Name != "" && o.Name != r.entry.Name:
			err = r.leave(ctx, o.Name)
		}
		if err != nil {
			return err
		}
		last, err := r.phases(ctx, map[Phase]func(context.Context) error{
			Creating: func(ctx context.Context) error { return r.create(ctx, o) },
			Stored:   r.enable,
			Enabled:  r.adopt,
			Removing: r.removeOld,
		})
		ours, _ := r.ours()
		result = Result{User: r.who.User(), Serial: last.Serial, Old: last.Old, Devices: len(ours)}
		return err
	})
	return result, err
}

// beforeCreation finds what would be in the way of so many new devices, and returns those that the user has. Where
// AWS does not say, the calls themselves will show.
func (r *run) beforeCreation(ctx context.Context, more int) ([]awsapi.Device, error) {
	devices, err := r.devices(ctx)
	switch {
	case is(err, awsapi.Denied):
		return nil, nil
	case err != nil:
		return nil, err
	case len(devices)+more > profile.MaxDevices:
		return nil, tooMany(r.who.User(), devices, more)
	}
	return devices, r.withMFABeside(ctx, devices)
}

// withMFABeside signs with MFA if the user has devices already, because IAM wants that for a
// further one. Where there is no session it is tried without.
func (r *run) withMFABeside(ctx context.Context, devices []awsapi.Device) error {
	if r.first = len(devices) == 0; r.first {
		return nil
	}
	if len(devices) == 1 {
		r.only = devices[0].Serial
	}
	if err := r.withMFA(ctx); err != nil && !errors.Is(err, ErrNoSession) {
		return err
	}
	return nil
}

// startDevice begins e with a new device of that name.
func (r *run) startDevice(ctx context.Context, name string, e Entry) error {
	r.entry = e
	r.rename(ctx, name)
	e = r.entry
	e.About, e.Store = Device, r.SeedStore
	return r.start(ctx, Creating, e)
}

// adopt is the phase Enabled: the device is proven and becomes the profile's. Where the
// profile has none yet, it is recorded before that, since nothing can be lost by it.
func (r *run) adopt(ctx context.Context) error {
	had, err := r.serial()
	if err == nil && had == "" {
		err = r.take(ctx, r.entry.Serial)
	}
	if err != nil {
		return err
	}
	if err := r.proveDevice(ctx, r.entry.Serial); err != nil {
		return err
	}
	switch {
	case r.entry.Old != "":
		err = r.replaceSerial(ctx, r.entry.Old, r.entry.Serial)
	case had != "": // even this one: its seed may be in another store now
		err = r.take(ctx, r.entry.Serial)
	}
	if err != nil {
		return err
	}
	if begun, err := r.nextOfPool(ctx); begun || err != nil {
		return err
	}
	if r.entry.Old == "" && len(r.entry.Orphans) == 0 {
		return r.finish()
	}
	if err := r.enter(Removing); err != nil {
		return err
	}
	return r.dial(ctx) // a session with MFA is one of the new device from now on
}

// device returns the serial, or if it is "" that of the profile's device.
func (r *run) device(serial string) (string, error) {
	if serial != "" {
		return serial, nil
	}
	serial, err := r.serial()
	if err == nil && serial == "" {
		return "", fault.New(fault.Config, "this profile", "", "it has no MFA device")
	}
	return serial, err
}

// devices lists the devices of the user.
func (r *run) devices(ctx context.Context) ([]awsapi.Device, error) {
	return ask(ctx, r, repeatable, func(api IAM) ([]awsapi.Device, error) { return api.ListMFADevices(ctx, r.who.User()) })
}

// virtual lists the virtual devices of the account.
func (r *run) virtual(ctx context.Context) ([]awsapi.Device, error) {
	return ask(ctx, r, repeatable, func(api IAM) ([]awsapi.Device, error) { return api.ListVirtualMFADevices(ctx) })
}

func has(devices []awsapi.Device, serial string) bool {
	return slices.ContainsFunc(devices, func(d awsapi.Device) bool { return d.Serial == serial })
}
