package enroll

import (
	"context"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
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

	// Kept: the old key is inactive and not deleted, because others may use it. Use is
	// what AWS knows of that, if it does. The next run deletes it.
	Kept bool
	Use  *awsapi.KeyUse
}

// RotateKey replaces the profile's access key: a second one is made, stored and proven, the
// profile switches to it, the old one becomes inactive, and if nothing else has used it lately, it
// is deleted. Errors are as those of Enroll.
func (m *Manager) RotateKey(ctx context.Context, o KeyOptions) (KeyResult, error) {
	r, done, err := m.begin(ctx, AccessKey, FlowRotateKey)
	if err != nil {
		return KeyResult{}, err
	}
	defer done()
	if !r.resumed {
		if err := r.beginKey(ctx); err != nil {
			return KeyResult{}, err
		}
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
		return KeyResult{}, err
	}
	result := KeyResult{Old: last.Old, Kept: r.entry.Phase == Awaiting}
	if result.Kept {
		result.Use = last.OldUse
	}
	key, err := r.accessKey(ctx)
	result.ID = key.ID
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
