package cli

import (
	"context"
	"log/slog"
	mathrand "math/rand/v2"
	"os"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sts"
)

// wiring is one profile with everything that serves it. Nothing is opened or
// connected before it is used.
type wiring struct {
	settings profile.Settings
	secrets  secrets
	plan     session.Plan
	cache    *cache.Cache
	broker   *session.Broker
}

// wire resolves the settings of a profile and puts its parts together.
func (a *app) wire(name string, flags profile.Flags) (*wiring, error) {
	files, err := a.loadFiles()
	if err != nil {
		return nil, err
	}
	return a.wireFrom(files, name, flags)
}

// wireDevice is wire for what the command verb does with the MFA device behind a profile.
func (a *app) wireDevice(verb, name string) (*wiring, error) {
	if err := a.forProfile(verb, name); err != nil {
		return nil, err
	}
	owner, err := a.atOwner(name)
	if err != nil {
		return nil, err
	}
	w, err := a.wire(owner, profile.Flags{})
	if err != nil {
		return nil, err
	}
	return w, w.secrets.deviceKnown()
}

// wireFrom is wire with files that have been loaded.
func (a *app) wireFrom(files *profile.Files, name string, flags profile.Flags) (*wiring, error) {
	return a.assemble(files, name, flags, false)
}

// wireIAM is wire for who wants to ask IAM as well.
func (a *app) wireIAM(name string) (*wiring, error) {
	files, err := a.loadFiles()
	if err != nil {
		return nil, err
	}
	return a.assemble(files, name, profile.Flags{}, true)
}

// assemble puts the parts of a profile together; iam says that IAM is asked as well.
func (a *app) assemble(files *profile.Files, name string, flags profile.Flags, iam bool) (*wiring, error) {
	store := envstore.New(a.getenv)
	env, err := a.profileEnv(store)
	if err != nil {
		return nil, err
	}
	env.IAM = iam
	settings, err := files.Resolve(name, flags, env)
	if err != nil {
		return nil, err
	}
	w := &wiring{settings: settings, secrets: secrets{a, store, settings}, plan: planOf(settings)}
	keys, err := w.secrets.sealingKeys()
	if err != nil {
		return nil, err
	}
	cached, err := a.openCache(keys)
	if err != nil {
		return nil, err
	}
	w.cache = cached
	w.broker = a.broker(settings, w.secrets, cached)
	return w, nil
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
func (a *app) profileEnv(store envstore.Store) (profile.Env, error) {
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
	return cache.Open(cache.Options{
		Dir:  dir,
		Keys: keys,
		Now:  a.now,
		Log:  a.log().Debug,
	})
}

func (a *app) broker(settings profile.Settings, keys session.Secrets, cached *cache.Cache) *session.Broker {
	log := a.log()
	return &session.Broker{
		STS:      &lazySTS{options: a.stsOptions(settings, log)},
		Secrets:  keys,
		Sessions: cached,
		Scope:    func(name string) session.Scope { return cached.Scope(name) },
		Clock:    newClockBook(cached, settings, a.now),
		Now:      a.now,
		Sleep:    sleeper(os.Getppid),
		Random:   mathrand.Float64,
		Log:      log,
	}
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

// ready refuses a profile that lacks what a session needs.
func (w *wiring) ready() error { return w.secrets.known() }

func (a *app) stsOptions(s profile.Settings, log *slog.Logger) sts.Options {
	return sts.Options{
		Region: s.Region, Endpoint: s.Endpoint, FIPS: s.FIPS, DualStack: s.DualStack, CABundle: s.CABundle,
		Getenv: a.getenv, Now: a.now, Logger: log,
	}
}

// lazySTS makes the client at the first call: a warm get has none.
type lazySTS struct{ options sts.Options }

func (l *lazySTS) Call(ctx context.Context, r exchange.Request) exchange.Result {
	client, err := sts.New(l.options) //nolint:contextcheck // resolving the endpoint asks nobody
	if err != nil {
		return exchange.Result{Verdict: exchange.Unreachable, Err: err}
	}
	return client.Call(ctx, r)
}
