package cli

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fleet"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fleet/redis"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

// The variables of the shared cache. Each can be given as NAME_FILE instead, as those of the env store.
const (
	varSharedCache         = "AWS_MFA_CREDS_SHARED_CACHE"
	varSharedCachePassword = "AWS_MFA_CREDS_SHARED_CACHE_PASSWORD" //nolint:gosec // the name of a variable, not a secret
)

// joinFleet returns how this host joins those that it shares sessions with, or nil if the settings name no
// shared cache. They are read only when a session is not in the cache of this host.
func (p *opened) joinFleet() func(secretAccessKey, seed creds.Secret, plan rules.Plan) (session.Fleet, error) {
	switch {
	case p.app.getenv(varSharedCache) == "off" || !p.Env.Has(varSharedCache) && p.Settings.SharedCache == "":
		return nil
	case p.CodeFromProgram():
		p.app.log().Debug("shared cache not used: it takes the seed, and mfa_process makes the codes")
		return nil
	}
	return p.join
}

// join joins the hosts that have the same secrets. It returns nil if the shared cache is off.
func (p *opened) join(secretAccessKey, seed creds.Secret, plan rules.Plan) (session.Fleet, error) {
	s, err := p.sharedCache()
	if err != nil || len(s.Hosts) == 0 {
		return nil, err
	}
	engine, err := redis.New(s)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // it is told in the debug log of others only
	return fleet.Join(fleet.Options{
		Engine: engine, Place: s.Place(), Prefix: s.Prefix, Host: host, Required: s.Required,
		Now: p.app.now, Sleep: p.broker.Sleep, Random: p.broker.Random, Log: p.app.log(), Note: func(failed error) { p.noteSharing(s.Place(), failed) },
	}, secretAccessKey, seed, plan), nil
}

// noteSharing remembers whether the shared cache was of use, for list and doctor.
func (p *opened) noteSharing(place string, failed error) {
	state := p.Cache.LoadSharing(place)
	if failed == nil {
		state = cache.Sharing{Used: p.app.now()}
	} else {
		state.Failed, state.Cause = p.app.now(), failed.Error()
	}
	_ = p.Cache.SaveSharing(place, state)
}

// forgetShared removes the sessions of these ids from the shared cache, if there is one.
func (p *opened) forgetShared(ctx context.Context, ids []string) error {
	if p.broker.Fleet == nil {
		return nil
	}
	key, err := p.AccessKey(ctx)
	if err != nil {
		return err
	}
	seed, err := p.Seed(ctx, p.Settings.Serial)
	if err != nil {
		return err
	}
	f, err := p.join(key.Secret, seed.Base32(), p.Plan)
	m, ok := f.(*fleet.Member)
	if err != nil || !ok {
		return err
	}
	defer m.Leave(ctx)
	return m.Forget(ctx, ids)
}

// sharing returns what is known of the shared cache, for doctor: also, if it is to be asked, from itself.
func (p *opened) sharing(ctx context.Context, ask bool) (d doctor.Sharing) {
	if p.broker.Fleet == nil {
		return d
	}
	s, err := p.sharedCache()
	if err != nil || len(s.Hosts) == 0 {
		return doctor.Sharing{Refused: err}
	}
	d = doctor.Sharing{Place: s.Place(), Required: s.Required, Plain: !s.TLS, Last: p.Cache.LoadSharing(s.Place())}
	engine, err := redis.New(s)
	if err != nil || !ask {
		d.Refused = err
		return d
	}
	defer func() { _ = engine.Close() }()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	report, err := engine.Probe(ctx)
	d.Asked, d.Failed, d.Latency, d.Expires, d.Policy = true, err, report.Latency, report.Expires, report.Policy
	return d
}

// sharedCache returns the settings of the shared cache: of the environment, or else of profiles.ini. They
// name no host if it is off.
func (p *opened) sharedCache() (redis.Settings, error) {
	source := varSharedCache
	text, err := p.Env.Value(source)
	if err != nil {
		return redis.Settings{}, err
	}
	if text == "" {
		source, text = "shared_cache of profile "+strconv.Quote(p.Settings.Profile), p.Settings.SharedCache
	}
	if text == "off" || text == "" {
		return redis.Settings{}, nil
	}
	s, err := redis.Parse(source, text)
	if err != nil {
		return redis.Settings{}, err
	}
	password, err := p.Env.Value(varSharedCachePassword)
	switch {
	case err != nil:
		return redis.Settings{}, err
	case !s.Password.IsZero() && source != varSharedCache:
		return redis.Settings{}, fault.New(fault.Config, source, "delete it there, and set "+varSharedCachePassword+" or "+varSharedCachePassword+"_FILE", "has a password, which does not belong into profiles.ini")
	case password != "":
		s.Password = creds.NewSecret(password)
	}
	return s, nil
}

// askTime asks AWS for the time.
func (p *opened) askTime(ctx context.Context, key creds.AccessKey) (server, local time.Time) {
	o := p.awsOptions()
	o.Skew = p.clock.Skew
	o.Observe = func(s, l time.Time) { server, local = s, l }
	_, _ = awsapi.New(o).Account(key, creds.Secret{}).GetCallerIdentity(ctx)
	return server, local
}
