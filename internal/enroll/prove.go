package enroll

import (
	"context"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
)

const (
	// knownWithin is how long AWS may need to know a new device or key everywhere.
	knownWithin = time.Minute

	// askAgain is the pause before it is asked again.
	askAgain = 3 * time.Second
)

// proveDevice shows that the device makes sessions. AWS may have enabled it out of sync, since
// the codes came late; that is mended once.
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
	r.tell(Proving, p.Serial)
	for deadline := r.Now().Add(knownWithin); ; {
		err := r.Prove(ctx, p)
		if err == nil || !worthAsking(err) || !r.Now().Before(deadline) {
			return err
		}
		r.Log.Debug("not proven yet", "error", err)
		if stopped := r.pause(ctx, askAgain); stopped != nil {
			return stopped
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
	r.tell(Resyncing, serial)
	return r.call(ctx, repeatable, func(api IAM) error {
		return r.sendPair(ctx, serial, api.ResyncMFADevice)
	})
}

// Resync makes AWS accept a device again whose codes it refuses, with two consecutive codes,
// and proves it by a session; "" is the device of the profile.
func (k *Keeper) Resync(ctx context.Context, serial string) error {
	unlock, err := k.lock()
	if err != nil {
		return err
	}
	defer unlock()
	r := &run{Keeper: k}
	if serial == "" {
		if serial, err = r.current(ctx); err != nil {
			return err
		}
	}
	if err := r.identify(ctx); err != nil {
		return err
	}
	if err := r.dial(ctx); err != nil {
		return err
	}
	err = r.resync(ctx, serial)
	if is(err, awsapi.CodeRefused) {
		return retold(err, "MFA device "+serial, "if it goes on, the seed is not that of the device: aws-mfa-creds enroll --profile NAME",
			"AWS refused two pairs of token codes")
	}
	if err != nil {
		return err
	}
	return r.prove(ctx, Proof{Serial: serial})
}
