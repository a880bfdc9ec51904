package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/warm"
)

// caretaker is what the flows of package enrol work with: one profile's stores, settings,
// journal, and AWS.
type caretaker struct {
	*app
	name  string // of the profile that owns the access key
	ask   *asker
	other otherDevice
	cache *cache.Cache
	clock clockBook
	seeds string // the store that seeds go to; that of an earlier run that did not finish

	sent   []creds.Secret // codes of the other device that AWS has seen
	waited bool           // a wait was told of, where there is no terminal
}

// caretaker returns the caretaker of the profile's identity. seedStore is where a new seed is to
// rest, or "".
func (a *app) caretaker(ctx context.Context, name, seedStore string, other otherDevice, ask *asker) (*caretaker, error) {
	w, err := a.open(wanted{profile: name, iam: true})
	if err != nil {
		return nil, err
	}
	if w.Settings.KeyStore == "" && !w.KeyFromEnv() {
		return nil, w.ready()
	}
	if len(w.Settings.MFAProcess) > 0 {
		return nil, codesElsewhere(w.Settings.Identity, "manage the device where it is")
	}
	c := &caretaker{app: a, name: w.Settings.Identity, ask: ask, other: other, cache: w.Cache, clock: w.clock}
	begun, err := c.begun()
	if err != nil {
		return nil, err
	}
	c.seeds, err = c.seedStore(ctx, cmp.Or(begun, seedStore), w.Settings)
	return c, err
}

// begun returns the store in which an earlier run that did not finish has put a seed, or "".
func (c *caretaker) begun() (string, error) {
	j, err := c.journal()
	if err != nil {
		return "", err
	}
	entry, err := j.Load(enroll.Device)
	return entry.Store, err
}

// errElsewhere says that a program makes the codes of the profile.
var errElsewhere = errors.New("mfa_process is set")

func codesElsewhere(name, remedy string) error {
	err := fault.New(fault.Config, "profile "+name, remedy, "a program makes its codes (mfa_process): its seed is not here")
	err.Err = errElsewhere
	return err
}

func (c *caretaker) seedStore(ctx context.Context, asked string, s profile.Settings) (string, error) {
	recorded := s.SeedStore
	if recorded == "" && s.KeyStore != keystore.KindEnv {
		recorded = s.KeyStore // both in one place, unless it is said otherwise
	}
	switch {
	case asked != "":
		return asked, nil
	case recorded != "" && recorded != keystore.KindEnv:
		return recorded, nil
	}
	return c.defaultStore(ctx, c.tell)
}

// local is what this computer keeps of the profile.
func (c *caretaker) local() *enroll.Local {
	return &enroll.Local{
		Profile: c.name, SeedStore: c.seeds, Paths: c.editor().Paths, Log: c.log(),
		Resolve: func(name string) (profile.Settings, error) {
			w, err := c.open(wanted{profile: name, iam: true})
			if err != nil {
				return profile.Settings{}, err
			}
			return w.Settings, nil
		},
		Open: func(store string) (keystore.Items, error) { return c.items(store, c.ask) },
	}
}

// journal keeps what the flows leave to do.
func (c *caretaker) journal() (enroll.FileJournal, error) {
	dir, err := c.configDir()
	return enroll.FileJournal{Dir: filepath.Join(dir, "unfinished"), Profile: c.name, Now: c.now, Log: c.log()}, err
}

// keeper puts the flows together.
func (c *caretaker) keeper() (*enroll.Keeper, error) {
	j, err := c.journal()
	if err != nil {
		return nil, err
	}
	local := c.local()
	return &enroll.Keeper{
		Identify: c.identify,
		Dial:     c.dial,
		Prove:    c.prove,
		Seeds:    local,
		Store:    c.seeds,
		Keys:     local,
		Settings: local,
		Journal:  j,
		Scope:    func(serial string) enroll.Scope { return c.cache.Scope(rules.DeviceScope(serial)) },
		Now:      c.awsTime,
		Sleep:    sleeper(os.Getppid),
		Progress: c.progress,
		Confirm:  c.confirmLast,
		Log:      c.log(),
	}, nil
}

func (c *caretaker) awsTime() time.Time {
	now := c.now()
	return now.Add(c.clock.LoadClock().SkewAt(now))
}

func (c *caretaker) skew() time.Duration { return c.clock.LoadClock().SkewAt(c.now()) }

// observe keeps the skew that an answer of IAM shows.
func (c *caretaker) observe(server, local time.Time) {
	before := c.clock.LoadClock()
	if after := before.Measure(server, local); after != before {
		_ = c.clock.SaveClock(after) // without it, the next answer tells again
	}
}

// settings returns what the files say now.
func (c *caretaker) settings() (*opened, error) { return c.open(wanted{profile: c.name, iam: true}) }

// identify asks STS whose the key is; zero is the stored one.
func (c *caretaker) identify(ctx context.Context, key creds.AccessKey) (awsapi.Identity, error) {
	w, err := c.settings()
	if err != nil {
		return awsapi.Identity{}, err
	}
	if key.ID == "" {
		if key, err = w.AccessKey(ctx); err != nil {
			return awsapi.Identity{}, err
		}
	}
	return c.aws(w).Account(key, creds.Secret{}).GetCallerIdentity(ctx)
}

// aws returns a client that signs for the corrected time, and keeps the skew that the answers show.
func (c *caretaker) aws(w *opened) *awsapi.Client {
	o := w.awsOptions()
	o.Skew, o.Observe = c.skew, c.observe
	return awsapi.New(o)
}

// dial returns a client of IAM that signs with the stored access key, or with a session that has
// MFA.
func (c *caretaker) dial(ctx context.Context, as enroll.Access) (enroll.IAM, error) {
	w, err := c.settings()
	if err != nil {
		return nil, err
	}
	key, err := w.AccessKey(ctx)
	if err != nil {
		return nil, err
	}
	var token creds.Secret
	if as == enroll.WithMFA {
		s, err := c.mfaSession(ctx, w, key)
		if err != nil {
			return nil, err
		}
		key, token = creds.AccessKey{ID: s.AccessKeyID, Secret: s.SecretAccessKey}, s.SessionToken
	}
	return c.aws(w).Account(key, token), nil
}

// mfaSession returns a session with MFA: of the profile's own device, or of another one whose
// code a person types.
func (c *caretaker) mfaSession(ctx context.Context, w *opened, key creds.AccessKey) (creds.Credentials, error) {
	if w.ready() == nil {
		limited, cancel := context.WithTimeout(ctx, processDeadline)
		defer cancel()
		w.broker.Sleep = c.countdown(w.broker.Sleep)
		return w.broker.Get(limited, w.Plan, session.Options{})
	}
	return c.other.session(ctx, c, w, key)
}

// prove makes a new session with the device, and with the key if one is given.
func (c *caretaker) prove(ctx context.Context, p enroll.Proof) error {
	w, err := c.settings()
	if err != nil {
		return err
	}
	if p.Key.ID == "" {
		if p.Key, err = w.AccessKey(ctx); err != nil {
			return err
		}
	}
	s := w.Settings
	s.Serial, s.AccessKeyID, s.Roles = p.Serial, p.Key.ID, nil
	broker := *w.broker
	broker.Secrets, broker.Sleep = proven{c, p}, c.countdown(broker.Sleep)
	_, err = broker.Get(ctx, warm.PlanOf(s), session.Options{Refresh: true, Ahead: true})
	return err
}

// proven are the secrets that a session is to prove.
type proven struct {
	c     *caretaker
	proof enroll.Proof
}

func (p proven) AccessKey(context.Context) (creds.AccessKey, error) { return p.proof.Key, nil }

func (p proven) Codes(ctx context.Context) (session.Codes, error) {
	seed, err := p.c.local().Seed(ctx, p.proof.Serial)
	return func(_ context.Context, step totp.Step) (creds.Secret, error) { return seed.Code(step), nil }, err
}

// tell shows a line to the person at the terminal, if there is one.
func (c *caretaker) tell(format string, args ...any) {
	if c.ask.present() {
		fmt.Fprintf(c.ask.terminal, format+"\n", args...)
	}
}
