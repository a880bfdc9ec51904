package enroll

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// A pool is made one device after the other, in one run: the phase Enabled of each ends in the phase Creating of the
// next, and the journal has how many there are to be. What is there after a crash works, and the next run goes on.

// ours returns the serials of the devices that profiles.ini has for the profile.
func (m *Manager) ours() ([]string, error) {
	_, own, err := m.own()
	return own.Devices(), err
}

// beginDevice begins the enrollment of a device, or of as many as the pool lacks. It begins nothing if that is none. A
// profile that has a pool gets one device more.
func (r *run) beginDevice(ctx context.Context, o DeviceOptions) error {
	ours, err := r.ours()
	if err != nil {
		return err
	}
	if o.Pool == 0 && len(ours) > 1 {
		o.Pool = len(ours) + 1
	}
	e := Entry{Flow: FlowEnroll, Pool: o.Pool}
	name := cmp.Or(o.Name, DefaultName(r.who.User(), o.Host))
	if o.Pool == 0 {
		if _, err = r.beforeCreation(ctx, 1); err != nil {
			return err
		}
		return r.startDevice(ctx, name, e)
	}
	if err := r.seedsHere(ctx, ours); err != nil || len(ours) >= o.Pool {
		return err
	}
	devices, err := r.beforeCreation(ctx, o.Pool-len(ours))
	if err != nil {
		return err
	}
	if len(ours) > 0 {
		name = cmp.Or(o.Name, awsapi.Device{Serial: ours[0]}.Name(), name)
	}
	return r.startDevice(ctx, r.freeName(name, ours, devices), e)
}

// nextOfPool begins the next device of the pool, if one is lacking.
func (r *run) nextOfPool(ctx context.Context) (begun bool, err error) {
	ours, err := r.ours()
	if err != nil || len(ours) >= r.entry.Pool {
		return false, err
	}
	if err := r.dial(ctx); err != nil {
		return false, err
	}
	devices, err := r.beforeCreation(ctx, r.entry.Pool-len(ours))
	if err != nil {
		return false, err
	}
	r.rename(ctx, r.freeName(awsapi.Device{Serial: ours[0]}.Name(), ours, devices))
	return true, r.enter(Creating)
}

// seedsHere refuses devices whose seeds are not all in the store that the new ones go to: a profile has one for them.
func (r *run) seedsHere(ctx context.Context, ours []string) error {
	if len(ours) == 0 {
		return nil
	}
	settings, err := r.Resolve(r.Profile)
	if err == nil && settings.SeedStore != r.SeedStore {
		err = fault.New(fault.Config, "MFA device "+ours[0], "run: aws-mfa-creds store move --seed --profile NAME --to "+r.SeedStore, "its seed is not in the %s store, and a pool has all seeds in one", r.SeedStore)
	}
	if err != nil {
		return err
	}
	for _, serial := range ours {
		if _, err := r.seeds.Seed(ctx, serial); err != nil {
			return err
		}
	}
	return nil
}

// freeName returns name, or its first numbered form that neither the profile nor the user has.
func (r *run) freeName(name string, ours []string, devices []awsapi.Device) string {
	for n, free := 2, name; ; n++ {
		if serial := r.serialOf(free); !slices.Contains(ours, serial) && !has(devices, serial) {
			return free
		}
		free = numbered(name, n)
	}
}
