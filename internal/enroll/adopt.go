package enroll

import (
	"context"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// adopt is the phase Enabled: the device is proven and becomes the profile's. Where the
// profile has none yet, it is recorded before that, since nothing can be lost by it.
func (r *run) adopt(ctx context.Context) error {
	had, err := r.Settings.Serial(ctx)
	if err == nil && had == "" {
		err = r.Settings.SetSerial(ctx, r.entry.Serial)
	}
	if err != nil {
		return err
	}
	if err := r.proveDevice(ctx, r.entry.Serial); err != nil {
		return err
	}
	if err := r.record(ctx, had); err != nil {
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

func (r *run) record(ctx context.Context, had string) error {
	switch {
	case r.entry.Old != "":
		return r.Settings.ReplaceSerial(ctx, r.entry.Old, r.entry.Serial)
	case had != "": // be it this one: its seed may be in another store now
		return r.Settings.SetSerial(ctx, r.entry.Serial)
	}
	return nil
}

// current returns the serial of the profile's device.
func (r *run) current(ctx context.Context) (string, error) {
	serial, err := r.Settings.Serial(ctx)
	if err == nil && serial == "" {
		return "", fault.New(fault.Config, "this profile", "aws-mfa-creds enroll --profile NAME", "it has no MFA device")
	}
	return serial, err
}
