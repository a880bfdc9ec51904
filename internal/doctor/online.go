package doctor

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// listDeadline ends what is asked of AWS for one profile but for a session.
const listDeadline = time.Minute

// ask asks AWS about the access key of a profile, and its user. It spends a code only to verify.
func (in *Inspection) ask(ctx context.Context, opened *Opened, p Profile) Online {
	o, done := in.Answers[p.Name]
	if done {
		return o
	}
	if key, err := opened.Broker.Secrets.AccessKey(ctx); err == nil {
		in.identify(ctx, opened, key, &o)
	}
	if o.Identity == nil && in.Verify && p.Seed == nil {
		ctx, cancel := context.WithTimeout(ctx, session.Deadline)
		defer cancel()
		_, o.Session = opened.Broker.Get(ctx, opened.Plan, session.Options{Refresh: true})
	}
	in.Answers[p.Name] = o
	return o
}

// identify finds out whose the key is, what time it is at AWS, and then what the user has.
func (in *Inspection) identify(ctx context.Context, opened *Opened, key creds.AccessKey, o *Online) {
	ctx, cancel := context.WithTimeout(ctx, listDeadline)
	defer cancel()
	clock := opened.Broker.Clock
	o.Skew = clock.LoadClock().SkewAt(in.Now())
	options, failed := opened.AWS()
	options.Skew = func() time.Duration { return o.Skew }
	options.Observe = func(server, local time.Time) {
		o.Skew, o.Measured = server.Sub(local), true
		session.Learn(clock, server, local)
	}
	client := awsapi.New(options)
	identity, err := client.Account(key, creds.Secret{}).GetCallerIdentity(ctx)
	if awsapi.KindOf(err) == awsapi.ClockRefused && o.Measured {
		identity, err = client.Account(key, creds.Secret{}).GetCallerIdentity(ctx) // the first answer has corrected the clock
	}
	if err != nil {
		o.Identity = err
		return
	}
	o.Root, o.User, o.Account = identity.Root(), identity.User(), identity.Account
	switch {
	case o.User == "":
	case failed != nil:
		in.denied["devices and keys of the user ("+fault.Text(failed)+")"] = true
	default:
		in.listUser(ctx, opened, client, key, o)
	}
}

// listUser finds out the user's devices and the state of the key, as far as the policies allow it:
// with the key, or else with the cached session, which has MFA.
func (in *Inspection) listUser(ctx context.Context, opened *Opened, client *awsapi.Client, key creds.AccessKey, o *Online) {
	accounts := []*awsapi.Account{client.Account(key, creds.Secret{})}
	base := opened.Plan
	base.Roles = nil
	if cached, ok := opened.Cached(base); ok {
		accounts = append(accounts, client.Account(creds.AccessKey{ID: cached.AccessKeyID, Secret: cached.SecretAccessKey}, cached.SessionToken))
	}
	in.firstAllowed(accounts, "ListMFADevices", o.User, func(a *awsapi.Account) error {
		devices, err := a.ListMFADevices(ctx, o.User)
		if err == nil {
			o.Devices = make([]string, 0, len(devices)) // none is an answer, too
		}
		for _, device := range devices {
			o.Devices = append(o.Devices, device.Serial)
		}
		return err
	})
	in.firstAllowed(accounts, "ListAccessKeys", o.User, func(a *awsapi.Account) error {
		all, err := a.ListAccessKeys(ctx, o.User)
		for _, listed := range all {
			if listed.ID == key.ID {
				o.KeyCreated = listed.Created
			}
		}
		return err
	})
}

// firstAllowed calls one account after the other, until a call is not denied.
func (in *Inspection) firstAllowed(accounts []*awsapi.Account, action, user string, call func(*awsapi.Account) error) {
	var err error
	for _, account := range accounts {
		if err = call(account); awsapi.KindOf(err) != awsapi.Denied {
			break
		}
	}
	if err != nil {
		in.denied["iam:"+action+" of user "+fault.Printable(user)+" ("+fault.Text(err)+")"] = true
	}
}

// NotChecked returns what Facts did not look at, and why.
func (in *Inspection) NotChecked() []string {
	if !in.Online {
		return []string{"AWS was not asked (--online): whether the access keys are valid and how old they are, whose the MFA devices are, the clock, and whether the token codes are right (--verify)"}
	}
	denied := slices.Sorted(maps.Keys(in.denied))
	if !in.Verify {
		denied = append(denied, "whether the token codes are right (--verify)")
	}
	return denied
}
