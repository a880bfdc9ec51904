package enroll

import (
	"context"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// recentUse is how long ago a use of the old key by others counts.
const recentUse = 30 * 24 * time.Hour

// proveKey is the phase Stored: the new key has to make a session before anything depends on
// it.
func (r *run) proveKey(ctx context.Context) error {
	key, err := r.newKey(ctx)
	if missing(err) || err == nil && key.ID != r.entry.NewKey {
		return r.keyGone(ctx)
	}
	if err != nil {
		return err
	}
	if err := r.known(ctx, key); definite(err) {
		return r.undoKey(ctx, err)
	} else if err != nil {
		return err
	}
	serial, err := r.serial()
	if err != nil {
		return err
	}
	if serial != "" {
		err := r.prove(ctx, Proof{Key: key, Serial: serial})
		if definite(err) {
			return r.undoKey(ctx, err)
		}
		if err != nil {
			return err
		}
	}
	return r.enter(Proven)
}

// keyGone creates the key once more, because its secret is missing from the store. Settings may name it
// already.
func (r *run) keyGone(ctx context.Context) error {
	if err := r.setAccessKeyID(ctx, r.entry.Sharing, r.entry.NewKey, r.entry.Old); err != nil {
		return err
	}
	if err := r.deleteKey(ctx, r.entry.NewKey); err != nil {
		return err
	}
	r.entry.NewKey, r.entry.Started = "", r.Now().UTC()
	return r.enter(Creating)
}

// known waits until STS knows the new key, which takes no code, and checks whose it is.
func (r *run) known(ctx context.Context, key creds.AccessKey) error {
	var who awsapi.Identity
	err := r.untilKeyKnown(ctx, key.ID, func() (err error) {
		who, err = r.Identify(ctx, key)
		return err
	})
	if err == nil && who.ARN != r.who.ARN {
		failure := fault.New(fault.Refused, "access key "+key.ID, "", "AWS says that it belongs to %s", who.ARN)
		return &awsapi.Error{Kind: awsapi.Refused, Delivery: awsapi.Answered, Err: failure}
	}
	return err
}

// untilKeyKnown calls f until AWS knows the new key id everywhere, for a minute.
func (r *run) untilKeyKnown(ctx context.Context, id string, f func() error) error {
	again := func(err error) bool {
		unknown := is(err, awsapi.KeyUnknown) || repeatable(err)
		if unknown {
			r.progress("Waiting until AWS knows access key %s everywhere", id)
		}
		return unknown
	}
	return r.untilKnown(ctx, again, f)
}

// switchKey is the phase Proven: the new key takes the old one's place. From here on there is
// no way back, and none is needed. The settings change first: while they name a key that is not
// in its place yet, it is found in the second slot.
func (r *run) switchKey(ctx context.Context) error {
	key, err := r.accessKey(ctx)
	if err != nil && !missing(err) {
		return err
	}
	if key.ID != r.entry.NewKey {
		key, err = r.newKey(ctx)
	}
	if missing(err) {
		return r.keyGone(ctx)
	}
	if err != nil {
		return err
	}
	if err := r.setAccessKeyID(ctx, r.entry.Sharing, r.entry.Old, key.ID); err != nil {
		return err
	}
	if err := r.putAccessKey(ctx, r.entry.Sharing, key); err != nil {
		return err
	}
	if err := r.enter(Switched); err != nil {
		return err
	}
	return r.dial(ctx) // with the new key
}

// disableKey is the phase Switched. An inactive key can be made active again, should anything still need
// it; its sessions, which AWS honours until they expire, are not used any more.
func (r *run) disableKey(ctx context.Context) error {
	if err := r.deleteNewKey(ctx, r.entry.Sharing); err != nil {
		return err
	}
	r.progress("Deactivating access key %s", r.entry.Old)
	err := r.untilKeyKnown(ctx, r.entry.NewKey, func() error {
		return unlessGone(r.call(ctx, never, func(api IAM) error { return api.UpdateAccessKey(ctx, r.who.User(), r.entry.Old, false) }))
	})
	if err == nil {
		err = r.Forget(ctx)
	}
	if err != nil {
		return err
	}
	return r.enter(Disabled)
}

// deleteOldKey is the phases Disabled and Awaiting. The run that has made the key inactive keeps
// it if others seem to use it; a later one deletes it, unless it has been activated again.
func (r *run) deleteOldKey(ctx context.Context, o KeyOptions) error {
	switch {
	case o.Delete:
	case r.entry.Phase == Awaiting:
		if err := r.stillInactive(ctx); err != nil {
			return err
		}
	case r.usedByOthers():
		return r.enter(Awaiting)
	}
	r.progress("Deleting access key %s", r.entry.Old)
	err := r.untilKeyKnown(ctx, r.entry.NewKey, func() error { return r.deleteKey(ctx, r.entry.Old) })
	if err != nil {
		return err
	}
	return r.finish()
}

// usedByOthers reports whether the old key was used for anything but sessions and IAM, which is what
// this program uses keys for. Where AWS does not say, it counts as used.
func (r *run) usedByOthers() bool {
	use := r.entry.OldUse
	if use == nil {
		return true
	}
	ours := use.Time.IsZero() || use.Service == "sts" || use.Service == "iam"
	return !ours && r.Now().Sub(use.Time) < recentUse
}

// stillInactive refuses to delete a key that has been activated again.
func (r *run) stillInactive(ctx context.Context) error {
	keys, err := r.keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID == r.entry.Old && k.Active {
			return fault.New(fault.Refused, "access key "+k.ID, "once nothing uses it: aws-mfa-creds rotate key --delete --profile NAME",
				"it was replaced, and has been activated again since")
		}
	}
	return nil
}
