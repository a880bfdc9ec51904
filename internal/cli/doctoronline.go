package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// askPatience ends the calls to AWS for one profile, those that list things.
const askPatience = time.Minute

// ask asks AWS about the access key of a profile, and its user. It spends no code, unless that is
// wished.
func (d *diagnosis) ask(ctx context.Context, w *opened, p doctor.Profile) *doctor.Online {
	if past, done := d.past[p.Name]; done {
		d.online[p.Name] = past
		return &past
	}
	var o doctor.Online
	if key, err := w.AccessKey(ctx); err == nil {
		d.identify(ctx, w, key, &o)
	}
	if o.Identity == nil && d.options.verify && p.Seed == nil {
		_, err := d.verifySession(ctx, w)
		o.Session = err
	}
	d.online[p.Name] = o
	return &o
}

func (*diagnosis) verifySession(ctx context.Context, w *opened) (creds.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, processDeadline)
	defer cancel()
	return w.broker.Get(ctx, w.plan, session.Options{Refresh: true})
}

// identify finds out whose the key is, what time it is at AWS, and then what the user has.
func (d *diagnosis) identify(ctx context.Context, w *opened, key creds.AccessKey, o *doctor.Online) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	o.Skew = w.clock.LoadClock().SkewAt(d.now())
	account := w.account(iamKey{key: key}, o)
	identity, err := account.GetCallerIdentity(ctx)
	if awsapi.KindOf(err) == awsapi.ClockRefused && o.Measured {
		identity, err = account.GetCallerIdentity(ctx) // the first answer has corrected the clock
	}
	if err != nil {
		o.Identity = err
		return
	}
	o.Root, o.User, o.Account = identity.Root(), identity.User(), identity.Account
	if o.User != "" {
		d.listUser(ctx, w, key, o)
	}
}

// account returns a client that signs for AWS's time as the answers so far have shown it.
func (p *opened) account(k iamKey, o *doctor.Online) *awsapi.Account {
	options := p.awsOptions()
	options.Skew = func() time.Duration { return o.Skew }
	options.Observe = func(server, local time.Time) {
		o.Skew, o.Measured = server.Sub(local), true
		if known := p.clock.LoadClock(); known.Measure(server, local) != known {
			_ = p.clock.SaveClock(known.Measure(server, local)) // it may be lost
		}
	}
	return awsapi.New(options).Account(k.key, k.token)
}

// listUser finds out the user's devices and the state of the key, as far as the policies allow it:
// with the key, or else with the session with MFA that is cached.
func (d *diagnosis) listUser(ctx context.Context, w *opened, key creds.AccessKey, o *doctor.Online) {
	keys := []iamKey{{key: key}}
	base := w.plan
	base.Roles = nil
	if cached, ok := w.broker.Cached(base); ok {
		keys = append(keys, iamKey{creds.AccessKey{ID: cached.AccessKeyID, Secret: cached.SecretAccessKey}, cached.SessionToken})
	}
	env, err := d.profileEnv()
	env.IAM = true
	settings, failed := d.files.Resolve(w.settings.Profile, profile.Flags{}, env)
	if err = cmp.Or(err, failed); err != nil {
		o.DevicesErr, o.KeysErr = err, err
		d.refusals["devices and keys of the user ("+fault.Text(err)+")"] = true
		return
	}
	withIAM := *w
	withIAM.settings = settings
	o.DevicesErr = d.firstAllowed(keys, "ListMFADevices", o.User, func(k iamKey) error {
		devices, err := withIAM.account(k, o).ListMFADevices(ctx, o.User)
		o.Devices = make([]string, 0, len(devices)) // none is an answer, too
		for _, device := range devices {
			o.Devices = append(o.Devices, device.Serial)
		}
		return err
	})
	o.KeysErr = d.firstAllowed(keys, "ListAccessKeys", o.User, func(k iamKey) error {
		all, err := withIAM.account(k, o).ListAccessKeys(ctx, o.User)
		for _, listed := range all {
			if listed.ID == key.ID {
				o.KeyActive, o.KeyCreated = listed.Active, listed.Created
			}
		}
		return err
	})
}

// iamKey signs calls to IAM.
type iamKey struct {
	key   creds.AccessKey
	token creds.Secret
}

// firstAllowed calls with one key after the other, until one may.
func (d *diagnosis) firstAllowed(keys []iamKey, action, user string, call func(iamKey) error) (err error) {
	for _, k := range keys {
		if err = call(k); awsapi.KindOf(err) != awsapi.Denied {
			break
		}
	}
	if err != nil {
		d.refusals["iam:"+action+" of user "+fault.Printable(user)+" ("+fault.Text(err)+")"] = true
	}
	return err
}

// unchecked tells what was not looked at, and why.
func (d *diagnosis) unchecked() []string {
	switch {
	case !d.options.online:
		return []string{"AWS was not asked (--online): whether access keys are valid and how old they are, whose the MFA devices are, the clock; nor whether the token codes are right (--verify)"}
	case !d.options.verify:
		return append(d.denied(), "whether the token codes are right (--verify)")
	}
	return d.denied()
}

func (d *diagnosis) denied() (all []string) {
	for what := range d.refusals {
		all = append(all, what)
	}
	slices.SortFunc(all, strings.Compare)
	return all
}
