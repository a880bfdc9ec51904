package enrol

import (
	"context"
	"slices"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
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
		if err := r.startAgain(ctx); err != nil {
			return err
		}
	}
	r.tell(Making, "access key")
	for try := 1; ; try++ {
		var key account.NewKey
		err := r.call(ctx, passing, func(api IAM) (err error) {
			key, err = api.CreateAccessKey(ctx, r.who.User())
			return err
		})
		switch {
		case err == nil:
			return r.storeKey(ctx, key.AccessKey)
		case uncertain(err) && try < maxTries:
			if err := r.deleteLost(ctx); err != nil {
				return err
			}
		case definite(err):
			return also(r.keyLimit(ctx, err), r.finish())
		default:
			return err
		}
	}
}

func (r *run) keyLimit(ctx context.Context, err error) error {
	if keys, none := r.keys(ctx); none == nil && is(err, account.LimitExceeded) && len(keys) >= maxKeys {
		return r.tooManyKeys(ctx, keys)
	}
	return err
}

// startAgain removes what an earlier run may have made.
func (r *run) startAgain(ctx context.Context) error {
	if err := r.deleteLost(ctx); err != nil {
		return err
	}
	r.entry.Started = r.Now().UTC()
	return r.enter(Creating)
}

// deleteLost deletes the key that was made and whose secret nobody has.
func (r *run) deleteLost(ctx context.Context) error {
	if err := r.pause(ctx, listLag); err != nil {
		return err
	}
	keys, err := r.keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !r.isLost(ctx, k) {
			continue
		}
		if err := r.deleteKey(ctx, k.ID); err != nil {
			return err
		}
	}
	return r.Keys.DeleteNewKey(ctx)
}

// isLost reports whether k is a key that this flow has made: it was not there before, it was made
// then, and nobody has ever used it. The flow may have been begun days ago, and the user may have
// made a key since.
func (r *run) isLost(ctx context.Context, k account.Key) bool {
	age := k.Created.Sub(r.entry.Started)
	if slices.Contains(r.entry.Known, k.ID) || age < -startNoise || age > lostWithin {
		return false
	}
	use := r.lastUse(ctx, k.ID)
	return use == nil || use.Time.IsZero()
}

// deleteKey deletes an access key. That there is none is no error.
func (r *run) deleteKey(ctx context.Context, id string) error {
	err := r.call(ctx, repeatable, func(api IAM) error { return api.DeleteAccessKey(ctx, r.who.User(), id) })
	if is(err, account.NotFound) {
		return nil
	}
	return err
}

func (r *run) storeKey(ctx context.Context, key creds.AccessKey) error {
	r.entry.NewKey = key.ID
	r.tell(Storing, key.ID)
	if err := r.Keys.PutNewKey(ctx, key); err != nil {
		return r.undoKey(ctx, err)
	}
	return r.enter(Stored)
}

// undoKey removes the new key and returns cause. What cannot be undone now is left to the next
// run.
func (r *run) undoKey(ctx context.Context, cause error) error {
	r.tell(Undoing, r.entry.NewKey)
	if err := r.deleteKey(ctx, r.entry.NewKey); err != nil {
		r.Log.Debug("not undone", "error", err)
		return cause
	}
	if err := r.Keys.DeleteNewKey(ctx); err != nil {
		return also(cause, err)
	}
	return also(cause, r.finish())
}
