package enroll

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
)

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
			return errors.Join(r.keyLimit(ctx, err), r.finish())
		default:
			return err
		}
	}
}

func (r *run) keyLimit(ctx context.Context, err error) error {
	if keys, none := r.keys(ctx); none == nil && is(err, awsapi.LimitExceeded) && len(keys) >= maxKeys {
		return r.tooManyKeys(ctx, keys)
	}
	return err
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
