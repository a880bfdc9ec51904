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
