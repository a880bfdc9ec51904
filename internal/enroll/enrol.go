package enroll

import (
	"context"
	"errors"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
)

// DeviceOptions are the wishes about a new device.
type DeviceOptions struct {
	// Name is the name of the device. "" is DefaultName for the user and Host, or the user's
	// name if a policy denies that.
	Name string
	Host string

	// ReplaceUnassigned deletes a device of the same name first, if it is enabled for nobody.
	ReplaceUnassigned bool
}

// Result is what came of a flow on a device.
type Result struct {
	User    string
	Serial  string // of the device that the profile has now; "" after a removal
	Old     string // of the device that has gone, or ""
	Resumed bool   // an earlier run had begun it
}

// Enrol makes a virtual MFA device, enables it for the user, makes it the profile's and proves
// it by a session. Errors are *fault.Error, for the most part in an *awsapi.Error; where AWS
// wants MFA first, an *MFAError. After an error either nothing is left, or the next
// run goes on.
func (k *Keeper) Enrol(ctx context.Context, o DeviceOptions) (Result, error) {
	r, done, err := k.begin(ctx, Device, FlowEnrol)
	if err != nil {
		return Result{}, err
	}
	defer done()
	resumed := r.resumed
	if err := r.beginEnrolment(ctx, o); err != nil {
		return Result{}, err
	}
	serial, err := r.through(ctx, o)
	return Result{User: r.who.User(), Serial: serial, Resumed: resumed}, err
}

func (r *run) beginEnrolment(ctx context.Context, o DeviceOptions) error {
	switch {
	case r.resumed && r.entry.Phase == Creating && o.Name != "" && o.Name != r.entry.Name:
		return r.leave(ctx, o.Name)
	case r.resumed:
		return nil
	}
	if err := r.beforeEnrolment(ctx); err != nil {
		return err
	}
	name := o.Name
	if name == "" {
		name = DefaultName(r.who.User(), o.Host)
	}
	return r.startDevice(ctx, FlowEnrol, name)
}

// beforeEnrolment finds what would be in the way. Where AWS does not tell, the calls
// themselves will show.
func (r *run) beforeEnrolment(ctx context.Context) error {
	devices, err := r.devices(ctx)
	switch {
	case is(err, awsapi.Denied):
		return nil
	case err != nil:
		return err
	case len(devices) >= maxDevices:
		return tooMany(r.who.User(), devices)
	}
	return r.withMFABeside(ctx, devices)
}

// beside is withMFABeside for the devices that there are now, where AWS tells.
func (r *run) beside(ctx context.Context) error {
	devices, err := r.devices(ctx)
	if is(err, awsapi.Denied) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.withMFABeside(ctx, devices)
}

// withMFABeside signs with MFA if the user has devices already, because IAM wants that for a
// further one. Where there is no session it is tried without.
func (r *run) withMFABeside(ctx context.Context, devices []awsapi.Device) error {
	if r.first = len(devices) == 0; r.first {
		return nil
	}
	if err := r.withMFA(ctx); err != nil && !errors.Is(err, ErrNoSession) {
		return err
	}
	return nil
}

func (r *run) startDevice(ctx context.Context, flow Flow, name string) error {
	old, copies := r.entry.Old, r.entry.Copies
	r.start(Device, flow)
	r.entry.Old, r.entry.Copies, r.entry.Store = old, copies, r.Store
	r.rename(ctx, name)
	return r.enter(Creating)
}

// through runs the phases that are left, and returns the serial of the new device.
func (r *run) through(ctx context.Context, o DeviceOptions) (serial string, err error) {
	for r.entry.Phase != "" {
		serial = r.entry.Serial
		if err := r.step(ctx, o); err != nil {
			return "", err
		}
	}
	return serial, nil
}
