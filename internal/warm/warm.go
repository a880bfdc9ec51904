// Package warm is the warm path of get: arguments → settings → cache → one write → exit. Cached, below,
// decides whether get prints the cached session.
//
// Most of a warm get would be spent initializing packages that it does not need. Go's order is defined:
// of the packages whose imports are initialized, the next is always the one whose import path sorts
// first (Go specification, "Program initialization"). So the init of cmd/aws-mfa-creds/internal/early,
// which calls Answer, runs before net/http, the SDK, cobra and the keyrings are initialized, as long as
// nothing that this package imports sorts late and has an init of its own: no net/url, path/filepath,
// log/slog, regexp, crypto/rand, golang.org/x, gopkg.in. TestImports here and TestWarmStartsEarly in
// package test check that.
//
// The rest of the time follows what is touched for the first time: a page of code or of a table (the first
// errors.Is, the first use of encoding/json, each deepening of the stack), and a system call.
//
// If Answer cannot answer at once, it leaves no trace, and main runs get as usual: with the same Open and
// the same Cached, and then with a call to AWS.
package warm

import (
	"context"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

// sealingKeyName is the name of the key, in the kernel's keyring, that sessions are sealed with.
const sealingKeyName = "aws-mfa-creds:sessions"

// Host is what profiles are opened with. The functions that may be nil stand for what the warm path
// has no use for.
type Host struct {
	Getenv   func(string) string
	Now      func() time.Time
	Home     func() string                              // the home directory, if HOME does not say
	CheckURL func(text string) (host string, err error) // as profile.Env has it; may be nil
	Rand     io.Reader                                  // for a new sealing key; may be nil
	Log      func(message string, pairs ...any)         // as cache.Options has it; may be nil
	New      string                                     // as profile.Env has it
}

// Locate returns where everything of this user rests.
func (h Host) Locate() (profile.Paths, error) {
	return profile.Locate(h.Getenv, profile.UserDirs(h.Home))
}

// Env returns what the environment, and the env store in it, contribute to the settings.
func (h Host) Env() (profile.Env, error) {
	store := envstore.New(h.Getenv)
	env := profile.Env{Getenv: h.Getenv, Identity: store.Configured(), CheckURL: h.CheckURL, New: h.New}
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

// OpenCache opens the user's cache.
func (h Host) OpenCache(keys cache.KeySource) (*cache.Cache, error) {
	paths, err := h.Locate()
	if err != nil {
		return nil, err
	}
	return cache.Open(cache.Options{Dir: paths.Cache, Spare: cache.Spare(paths.Cache, h.Getenv), Keys: keys, Now: h.Now, Log: h.Log})
}

// Profile is a profile with its settings and the cache of its sessions.
type Profile struct {
	Settings profile.Settings
	Plan     rules.Plan
	Env      envstore.Store
	Cache    *cache.Cache
	now      func() time.Time
}

// Load reads the files that settings come from.
func (h Host) Load() (*profile.Files, error) {
	paths, err := h.Locate()
	if err != nil {
		return nil, err
	}
	return profile.Load(paths)
}

// Open resolves the settings that a call of get has in files, or with iam those for who manages the
// access key and the MFA device, and opens the cache. It succeeds for a profile that lacks secrets: see
// HasKey.
func (h Host) Open(files *profile.Files, call profile.Call, iam bool) (*Profile, error) {
	env, err := h.Env()
	if err != nil {
		return nil, err
	}
	env.IAM = iam
	s, err := files.Resolve(call, env)
	if err != nil {
		return nil, err
	}
	p := &Profile{Settings: s, Plan: PlanOf(s), Env: envstore.New(h.Getenv), now: h.Now}
	keys, err := p.sealingKeys(h)
	if err != nil {
		return nil, err
	}
	p.Cache, err = h.OpenCache(keys)
	return p, err
}

// PlanOf returns what the settings ask for.
func PlanOf(s profile.Settings) rules.Plan {
	return rules.Plan{
		Partition: s.Partition, Endpoint: s.Endpoint, AccessKeyID: s.AccessKeyID, Serial: s.Serial, Others: s.Others, Duration: s.Duration, Roles: s.Roles,
		Route: s.Region + strconv.FormatBool(s.FIPS) + strconv.FormatBool(s.DualStack),
	}
}

// sealingKeys is where the key comes from that sessions are sealed with. That of the env store
// is derived from its secrets, so that none rests anywhere. Otherwise a warm get must not
// depend on the store, and the key is one of its own.
func (p *Profile) sealingKeys(h Host) (cache.KeySource, error) {
	if p.KeyFromEnv() && p.SeedFromEnv() && !p.CodeFromProgram() {
		return cache.KeyFunc(sync.OnceValues(p.derivedKey)), nil
	}
	return h.StoredKey()
}

// StoredKey is the sealing key of all profiles whose secrets are not in the environment. It rests
// where the settings do.
func (h Host) StoredKey() (cache.StoredKey, error) {
	paths, err := h.Locate()
	if err != nil {
		return cache.StoredKey{}, err
	}
	dir, err := paths.ConfigDir()
	return cache.StoredKey{Name: sealingKeyName, Dir: dir, Spare: cache.Spare(paths.Cache, h.Getenv), Rand: h.Rand}, err
}

func (p *Profile) derivedKey() (cache.Key, error) {
	key, err := p.Env.AccessKey(context.Background())
	if err != nil {
		return cache.Key{}, err
	}
	seeds, err := p.Env.Seeds(len(p.Settings.Devices()))
	if err != nil {
		return cache.Key{}, err
	}
	return cache.DeriveKey(key.Secret, seeds[0].Base32()), nil
}

// KeyFromEnv reports whether the env store has the access key: what a profile says in profiles.ini
// goes first.
func (p *Profile) KeyFromEnv() bool { return p.fromEnv(p.Settings.KeyStore) }

// SeedFromEnv reports the same of the seed. That in the environment belongs to the access key there,
// which may be another identity's.
func (p *Profile) SeedFromEnv() bool {
	if p.Settings.SeedStore == "" && !p.KeyFromEnv() {
		id, err := p.Env.AccessKeyID()
		return err == nil && id == p.Settings.AccessKeyID
	}
	return p.fromEnv(p.Settings.SeedStore)
}

func (p *Profile) fromEnv(kind string) bool {
	return kind == envstore.Kind || kind == "" && p.Env.Configured()
}

// CodeFromProgram reports whether a program of the user's makes the codes.
func (p *Profile) CodeFromProgram() bool {
	return len(p.Settings.MFAProcess) > 0 && (!p.SeedFromEnv() || !p.Env.Has(envstore.VarSeed))
}

// HasKey reports whether it is known where the access key rests. Without it, the codes (HasCodes) and
// the serial of the MFA device there is no session to be had.
func (p *Profile) HasKey() bool { return p.Settings.KeyStore != "" || p.Env.Configured() }

// HasCodes reports whether it is known where the token codes come from.
func (p *Profile) HasCodes() bool {
	return p.Settings.SeedStore != "" || p.SeedFromEnv() || p.CodeFromProgram()
}

// Cached returns the credentials of a plan of the profile if the cache has them and nothing else has
// to be thought of, such as a refresh or a clock that has been set: without a lock, and without
// anything that could block.
func (p *Profile) Cached(plan rules.Plan) (creds.Credentials, bool) {
	session, ok := p.Cache.Get(plan.Target().ID)
	if !ok {
		return creds.Credentials{}, false
	}
	now := p.now()
	stored := p.Cache.LoadClock(rules.ClockName(plan.Partition, plan.Endpoint))
	clock := stored.Current(now)
	now = now.Add(clock.SkewAt(now))
	if clock.IsZero() != stored.IsZero() || !rules.Valid(session, now) || !rules.Fresh(session, now) {
		return creds.Credentials{}, false
	}
	return session.Credentials, true
}
