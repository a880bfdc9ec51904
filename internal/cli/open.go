package cli

import (
	"context"
	mathrand "math/rand/v2"
	"os"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sts"
)

// wanted names a profile to open.
type wanted struct {
	profile string
	flags   profile.Flags
	iam     bool           // resolve the endpoint of IAM too: a get must not fail because of it
	files   *profile.Files // nil: load them
}

// opened is a profile with its settings, its secrets, its cache and its session broker. No store is
// opened and nothing is connected before it is used.
type opened struct {
	app      *app
	env      envstore.Store
	settings profile.Settings
	plan     session.Plan
	cache    *cache.Cache
	clock    clockBook
	broker   *session.Broker
}

// open resolves the settings of a profile and puts together what serves it. It succeeds for a
// profile that lacks secrets: see ready.
func (a *app) open(want wanted) (*opened, error) {
	files := want.files
	if files == nil {
		var err error
		if files, err = a.loadFiles(); err != nil {
			return nil, err
		}
	}
	env, err := a.profileEnv()
	if err != nil {
		return nil, err
	}
	env.IAM = want.iam
	settings, err := files.Resolve(want.profile, want.flags, env)
	if err != nil {
		return nil, err
	}
	p := &opened{app: a, env: envstore.New(a.getenv), settings: settings, plan: planOf(settings)}
	keys, err := p.sealingKeys()
	if err != nil {
		return nil, err
	}
	if p.cache, err = a.openCache(keys); err != nil {
		return nil, err
	}
	p.clock = newClockBook(p.cache, settings, a.now)
	p.broker = &session.Broker{
		STS: p, Secrets: p, Sessions: p.cache, Clock: p.clock,
		Scope: func(name string) session.Scope { return p.cache.Scope(name) },
		Now:   a.now, Sleep: sleeper(os.Getppid), Random: mathrand.Float64, Log: a.log(),
	}
	return p, nil
}

// openDevice opens the profile that owns the MFA device behind the profile name, for the command verb.
func (a *app) openDevice(verb, name string) (*opened, error) {
	if err := a.forProfile(verb, name); err != nil {
		return nil, err
	}
	owner, err := a.atOwner(name)
	if err != nil {
		return nil, err
	}
	p, err := a.open(wanted{profile: owner})
	if err != nil {
		return nil, err
	}
	return p, p.deviceReady()
}

func (a *app) loadFiles() (*profile.Files, error) {
	paths, err := profile.Locate(a.getenv, a.dirs())
	if err != nil {
		return nil, err
	}
	return profile.Load(paths)
}

// profileEnv returns what the environment, and the env store in it, contribute to the
// settings.
func (a *app) profileEnv() (profile.Env, error) {
	store := envstore.New(a.getenv)
	env := profile.Env{Getenv: a.getenv, Identity: store.Configured()}
	if !env.Identity {
		return env, nil
	}
	var err error
	if env.AccessKeyID, err = store.AccessKeyID(); err != nil {
		return env, err
	}
	env.Serial, err = store.Serial()
	return env, err
}

func (a *app) openCache(keys cache.KeySource) (*cache.Cache, error) {
	dir, err := a.cacheDir()
	if err != nil {
		return nil, err
	}
	return cache.Open(cache.Options{Dir: dir, Keys: keys, Now: a.now, Log: a.log().Debug})
}

func planOf(s profile.Settings) session.Plan {
	plan := session.Plan{
		Partition: s.Partition, Endpoint: s.Endpoint, AccessKeyID: s.AccessKeyID, Serial: s.Serial, Duration: s.Duration,
	}
	for _, role := range s.Roles {
		plan.Hops = append(plan.Hops, session.Hop{
			Role:     exchange.Role{ARN: role.ARN, SessionName: role.SessionName, ExternalID: role.ExternalID},
			Duration: role.Duration,
		})
	}
	return plan
}

// sts returns a client of STS for the profile.
func (p *opened) sts() (*sts.Client, error) {
	s := p.settings
	return sts.New(sts.Options{
		Region: s.Region, Endpoint: s.Endpoint, FIPS: s.FIPS, DualStack: s.DualStack, CABundle: s.CABundle,
		Getenv: p.app.getenv, Now: p.app.now, Logger: p.app.log(),
	})
}

// Call implements session.STS. An endpoint that cannot be used fails the call and not open: a cached
// session does not need it.
func (p *opened) Call(ctx context.Context, r exchange.Request) exchange.Result {
	client, err := p.sts() //nolint:contextcheck // resolving the endpoint asks nobody
	if err != nil {
		return exchange.Result{Verdict: exchange.Unreachable, Err: err}
	}
	return client.Call(ctx, r)
}
