package enroll

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
)

// maxKeys is how many access keys IAM allows a user ("IAM and AWS STS quotas").
const maxKeys = 2

// KeyOptions are the wishes of one rotation of the access key.
type KeyOptions struct {
	Delete bool // delete the old key at once, even if something else uses it
}

// KeyResult is what came of it.
type KeyResult struct {
	ID  string // of the key that the profile has now
	Old string // of the one before

	// Kept: the old key is inactive and not deleted, because others may use it. The next run deletes it. Use is
	// its last use before, if AWS knows.
	Kept bool
	Use  *awsapi.KeyUse
}

// RotateKey replaces the profile's access key: a second one is made, stored and proven, the
// profile switches to it, the old one becomes inactive, and if nothing else has used it lately, it
// is deleted. Errors are as those of Enroll.
func (m *Manager) RotateKey(ctx context.Context, o KeyOptions) (result KeyResult, err error) {
	err = m.locked(func(r *run) error {
		err := r.begin(ctx, AccessKey, FlowRotateKey)
		if err == nil && !r.resumed {
			err = r.beginKey(ctx)
		}
		if err != nil {
			return err
		}
		deleteOld := func(ctx context.Context) error { return r.deleteOldKey(ctx, o) }
		last, err := r.phases(ctx, map[Phase]func(context.Context) error{
			Creating: r.createKey,
			Stored:   r.proveKey,
			Proven:   r.switchKey,
			Switched: r.disableKey,
			Disabled: deleteOld,
			Awaiting: deleteOld,
		})
		if err != nil {
			return err
		}
		key, err := r.accessKey(ctx)
		result = KeyResult{ID: key.ID, Old: last.Old, Kept: r.entry.Phase == Awaiting, Use: last.OldUse}
		return err
	})
	return result, err
}

// beginKey notes which keys there are, so that one whose secret is lost can be distinguished
// from them, and who has copies, all of which are to be replaced.
func (r *run) beginKey(ctx context.Context) error {
	old, err := r.accessKey(ctx)
	if err != nil {
		return err
	}
	sharing, err := r.sharing(ctx)
	if err != nil {
		return err
	}
	keys, err := r.keys(ctx)
	if err != nil {
		return err
	}
	if len(keys) >= maxKeys {
		return r.tooManyKeys(ctx, keys)
	}
	e := Entry{About: AccessKey, Flow: FlowRotateKey, Old: old.ID, OldUse: r.lastUse(ctx, old.ID), Sharing: sharing}
	for _, k := range keys {
		e.Known = append(e.Known, k.ID)
	}
	return r.start(ctx, Creating, e)
}

func (r *run) keys(ctx context.Context) ([]awsapi.Key, error) {
	return ask(ctx, r, repeatable, func(api IAM) ([]awsapi.Key, error) { return api.ListAccessKeys(ctx, r.who.User()) })
}

// lastUse returns nil where AWS does not say.
func (r *run) lastUse(ctx context.Context, id string) *awsapi.KeyUse {
	use, err := ask(ctx, r, repeatable, func(api IAM) (awsapi.KeyUse, error) { return api.GetAccessKeyLastUsed(ctx, id) })
	if err != nil {
		r.Log.Debug("last use not known", "error", err)
		return nil
	}
	return &use
}

func (r *run) tooManyKeys(ctx context.Context, keys []awsapi.Key) error {
	var all []string
	for _, k := range keys {
		all = append(all, describe(k, r.lastUse(ctx, k.ID)))
	}
	failure := fault.New(fault.Refused, "user "+r.who.User(), awsapi.FreeKey(r.who.User()),
		"it has %d access keys, the most that IAM allows: %s", len(keys), strings.Join(all, ", "))
	return &awsapi.Error{Kind: awsapi.LimitExceeded, Delivery: awsapi.Answered, Err: failure}
}

const (
	// listLag is how long a list may not show what was made a moment ago.
	listLag = 2 * time.Second

	// lostWithin is how long after Entry.Started a lost key can have been made, and startNoise
	// how long before it by another clock of AWS.
	lostWithin = 10 * time.Minute
	startNoise = time.Minute
)

// createKey is the phase Creating: a second key comes into being, and its secret into the
// second slot.
func (r *run) createKey(ctx context.Context) error {
	if r.resumed {
		if found, err := r.startAgain(ctx); found || err != nil {
			return err
		}
	}
	r.progress("Creating an access key in IAM")
	for try := 1; ; try++ {
		key, err := ask(ctx, r, passing, func(api IAM) (creds.AccessKey, error) { return api.CreateAccessKey(ctx, r.who.User()) })
		switch {
		case err == nil:
			return r.storeKey(ctx, key)
		case uncertain(err) && try < maxTries:
			if err := r.deleteLost(ctx); err != nil {
				return err
			}
		case definite(err):
			return errors.Join(err, r.finish())
		default:
			return err
		}
	}
}

// startAgain takes the key that an earlier run has made, if its secret is in the second slot, and
// deletes one whose secret is lost. Another profile that shares the key may have replaced it since.
func (r *run) startAgain(ctx context.Context) (found bool, err error) {
	key, err := r.newKey(ctx)
	if err != nil && !missing(err) {
		return false, err
	}
	if err == nil && !slices.Contains(r.entry.Known, key.ID) {
		return true, r.storeKey(ctx, key)
	}
	if err := r.deleteLost(ctx); err != nil {
		return false, err
	}
	err = r.beginKey(ctx)
	if is(err, awsapi.LimitExceeded) {
		return false, errors.Join(err, r.finish())
	}
	return false, err
}

// deleteLost deletes the key that was made and whose secret is lost.
func (r *run) deleteLost(ctx context.Context) error {
	if err := r.pause(ctx, listLag); err != nil {
		return err
	}
	keys, err := r.keys(ctx)
	if err != nil {
		return err
	}
	inUse, err := r.inUse(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if slices.Contains(inUse, k.ID) {
			continue
		}
		lost, err := r.isLost(ctx, k)
		if err == nil && lost {
			err = r.deleteKey(ctx, k.ID)
		}
		if err != nil {
			return err
		}
	}
	return r.deleteNewKey(ctx, r.entry.Sharing)
}

// inUse returns the ids of the keys that this machine works with. AWS shows only hours later that a key
// is in use.
func (r *run) inUse(ctx context.Context) ([]string, error) {
	files, err := profile.Load(r.Paths)
	if err != nil {
		return nil, err
	}
	ids := edit.AccessKeyIDs(files)
	for _, get := range []func(context.Context) (creds.AccessKey, error){r.accessKey, r.newKey} {
		key, err := get(ctx)
		if err != nil && !missing(err) {
			return nil, err
		}
		ids = append(ids, key.ID)
	}
	return ids, nil
}

// isLost reports whether k is a key that this flow has made: it was not there before, it was made
// then, and it was never used. The flow may have started days ago, and the user may have
// made a key since. Where AWS does not say, a person has to.
func (r *run) isLost(ctx context.Context, k awsapi.Key) (bool, error) {
	age := k.Created.Sub(r.entry.Started)
	if slices.Contains(r.entry.Known, k.ID) || age < -startNoise || age > lostWithin {
		return false, nil
	}
	use := r.lastUse(ctx, k.ID)
	if use == nil {
		return false, fault.New(fault.Refused, "access key "+k.ID,
			"if nothing uses it: aws iam delete-access-key --user-name "+r.who.User()+" --access-key-id "+k.ID+" && aws-mfa-creds rotate key --profile NAME",
			"an earlier run may have made it, and AWS does not say whether it is in use")
	}
	return use.Time.IsZero(), nil
}

// deleteKey deletes an access key. That there is none is no error.
func (r *run) deleteKey(ctx context.Context, id string) error {
	return unlessGone(r.call(ctx, repeatable, func(api IAM) error { return api.DeleteAccessKey(ctx, r.who.User(), id) }))
}

func (r *run) storeKey(ctx context.Context, key creds.AccessKey) error {
	r.entry.NewKey = key.ID
	r.progress("Storing access key %s", key.ID)
	if err := r.putNewKey(ctx, r.entry.Sharing, key); err != nil {
		return r.undoKey(ctx, err)
	}
	return r.enter(Stored)
}

// undoKey removes the new key and returns cause. What cannot be undone now is left to the next
// run.
func (r *run) undoKey(ctx context.Context, cause error) error {
	r.progress("Deleting access key %s again", r.entry.NewKey)
	if err := r.deleteKey(ctx, r.entry.NewKey); err != nil {
		r.Log.Debug("not undone", "error", err)
		return cause
	}
	if err := r.deleteNewKey(ctx, r.entry.Sharing); err != nil {
		return errors.Join(cause, err)
	}
	return errors.Join(cause, r.finish())
}

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
