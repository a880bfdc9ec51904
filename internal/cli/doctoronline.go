package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/iam"
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
	client, err := w.sts() //nolint:contextcheck // resolving the endpoint asks nobody
	if err != nil {
		o.Identity = err
		return
	}
	book := w.clock
	request := exchange.Request{Key: key, Skew: book.LoadClock().SkewAt(d.now())}
	identity, result := client.GetCallerIdentity(ctx, request)
	d.measure(book, result, o)
	if account.ReasonOf(result.Err) == account.ClockRefused && o.Measured {
		request.Skew = o.Skew // the first answer has told it
		identity, result = client.GetCallerIdentity(ctx, request)
	}
	if result.Err != nil {
		o.Identity = result.Err
		return
	}
	o.Root, o.User, o.Account = identity.Root(), identity.User(), identity.Account
	if o.User != "" {
		d.listUser(ctx, w, key, o)
	}
}

// measure keeps what an answer says of the clock.
func (d *diagnosis) measure(book clockBook, result exchange.Result, o *doctor.Online) {
	if result.ServerTime.IsZero() {
		return
	}
	o.Skew, o.Measured = result.ServerTime.Sub(result.LocalTime), true
	if known := book.LoadClock(); known.Measure(result.ServerTime, result.LocalTime) != known {
		_ = book.SaveClock(known.Measure(result.ServerTime, result.LocalTime)) // it may be lost
	}
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
	o.DevicesErr = d.firstAllowed(keys, "ListMFADevices", o.User, func(k iamKey) error {
		devices, err := d.iam(k, settings, o).ListMFADevices(ctx, o.User) //nolint:contextcheck // resolving the endpoint asks nobody
		o.Devices = make([]string, 0, len(devices))                       // none is an answer, too
		for _, device := range devices {
			o.Devices = append(o.Devices, device.Serial)
		}
		return err
	})
	o.KeysErr = d.firstAllowed(keys, "ListAccessKeys", o.User, func(k iamKey) error {
		all, err := d.iam(k, settings, o).ListAccessKeys(ctx, o.User) //nolint:contextcheck // as above
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
		if err = call(k); account.ReasonOf(err) != account.Denied {
			break
		}
	}
	if err != nil {
		d.refusals["iam:"+action+" of user "+fault.Printable(user)+" ("+fault.Text(err)+")"] = true
	}
	return err
}

// iamClient is what is asked of IAM here.
type iamClient interface {
	ListMFADevices(ctx context.Context, user string) ([]account.Device, error)
	ListAccessKeys(ctx context.Context, user string) ([]account.Key, error)
}

func (d *diagnosis) iam(k iamKey, s profile.Settings, o *doctor.Online) iamClient {
	client, err := iam.New(iam.Options{
		Key: k.key, Token: k.token, Region: s.Region, Endpoint: s.IAMEndpoint, FIPS: s.FIPS, DualStack: s.DualStack, CABundle: s.CABundle,
		Getenv: d.getenv, Now: d.now, Skew: func() time.Duration { return o.Skew }, Logger: d.log(),
	})
	if err != nil {
		return noIAM{err}
	}
	return client
}

// noIAM is a client that cannot be had.
type noIAM struct{ err error }

func (n noIAM) ListMFADevices(context.Context, string) ([]account.Device, error) { return nil, n.err }

func (n noIAM) ListAccessKeys(context.Context, string) ([]account.Key, error) { return nil, n.err }

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
