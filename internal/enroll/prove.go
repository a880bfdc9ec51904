package enroll

import (
	"context"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
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
	verdict, err := r.prove(ctx, Proof{Serial: serial})
	if verdict != exchange.CodeRefused {
		return err
	}
	if err := r.resync(ctx, serial); err != nil {
		return err
	}
	_, err = r.prove(ctx, Proof{Serial: serial})
	return err
}

// prove makes a real session. What is new may be refused for a while.
func (r *run) prove(ctx context.Context, p Proof) (exchange.Verdict, error) {
	r.tell(Proving, p.Serial)
	for deadline := r.Now().Add(knownWithin); ; {
		verdict, err := r.Prove(ctx, p)
		if err == nil {
			return exchange.OK, nil
		}
		if !worthAsking(verdict) || !r.Now().Before(deadline) {
			return verdict, err
		}
		r.Log.Debug("not proven yet", "error", err)
		if err := r.pause(ctx, askAgain); err != nil {
			return verdict, err
		}
	}
}

// worthAsking reports whether a session may be had a little later. GetSessionToken needs no
// permission: what it refuses other than a code is a device or a key that it does not
// know.
func worthAsking(v exchange.Verdict) bool {
	switch v {
	case exchange.Refused, exchange.Throttled, exchange.ServerError, exchange.Lost, exchange.CodeOutOfDate:
		return true
	default:
		return false
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
	if is(err, account.CodeRefused) {
		return retold(err, "MFA device "+serial, "if it goes on, the seed is not that of the device: aws-mfa-creds enroll --profile NAME",
			"AWS refused two pairs of token codes")
	}
	if err != nil {
		return err
	}
	_, err = r.prove(ctx, Proof{Serial: serial})
	return err
}
