package enroll

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
)

const (
	laptop = "arn:aws:iam::123456789012:mfa/alice-build-7"
	phone  = "arn:aws:iam::123456789012:mfa/phone"
)

// stage is alice's computer beside a strict AWS over TLS. All is real: profiles.ini, age stores,
// journal, cache, session broker and clients; manager puts them together as the command line does. Both
// sides share a clock that only waiting moves. Every effect on the outside passes tap, where the
// process can die.
type stage struct {
	*sandbox.Server
	t      *testing.T
	dir    string
	bundle string
	clock  *steppedClock
	items  keystore.Items // of the store that has the access key
	cache  *cache.Cache
	aws    *awsapi.Client
	store  string // that new seeds go to

	// What the tests turn.
	phone   bool                           // a person can type a code of the device phone
	confirm func(LastDevice) error         // nil: must not be asked
	broken  func(name string) error        // fails an effect on AWS or a store
	before  func(effect string, done bool) // is called beside each effect

	lines   []string        // of progress
	waits   []time.Duration // as they were counted down
	effects []string        // both sides of each one; of what is logged, the second alone
	first   string          // the id of the access key before a rotation
	dieAt   int             // the number of the effect's side to die at, from 1
}

// killed is what a process dies of.
type killed struct{}

// newStage has the user alice with one access key and no device.
func newStage(t *testing.T, adjust ...func(*sandbox.Options)) *stage {
	t.Helper()
	world := sandbox.DefaultWorld()
	world.Devices = nil
	s := &stage{
		t: t, dir: t.TempDir(), store: keystore.KindAge,
		clock: &steppedClock{at: time.Now().Truncate(totp.Period).Add(7 * time.Second)},
	}
	o := sandbox.Options{Now: s.clock.now, Rand: rand.Reader, TLS: true, World: world}
	for _, f := range adjust {
		f(&o)
	}
	var err error
	if s.Server, err = sandbox.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if o.TLS {
		s.bundle = filepath.Join(s.dir, "ca.pem")
		s.must(os.WriteFile(s.bundle, s.CAPEM(), 0o600))
	}
	s.items = s.itemsIn(keystore.KindAge)
	sealing := cache.KeyFunc(func() (cache.Key, error) { return cache.DeriveKey(creds.NewSecret("a"), creds.NewSecret("b")), nil })
	s.cache, err = cache.Open(cache.Options{Dir: filepath.Join(s.dir, "cache"), Keys: sealing, Now: s.clock.now})
	s.must(err)
	t.Cleanup(func() {
		keys.Remove(cache.ClaimsIn(s.cache.Dir))
		s.cache.Close()
	})
	s.connect()
	s.storeKey(s.alice().Keys[0])
	s.effects = nil
	return s
}

// connect makes the clients.
func (s *stage) connect() {
	s.aws = awsapi.New(awsapi.Options{
		Region: "eu-central-1", Endpoint: s.URL(), IAMEndpoint: s.URL(), CABundle: s.bundle, Getenv: none,
		Now: s.clock.now, Skew: s.skew, Observe: s.observe,
	})
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) alice() sandbox.User {
	world := s.World()
	return *world.User("alice")
}

func (s *stage) change(change func(*sandbox.World)) {
	s.t.Helper()
	s.must(s.Update(change))
}

func (s *stage) inject(f sandbox.Fault) {
	s.t.Helper()
	s.must(s.Inject(f))
}

// withPhone gives alice a device that this machine does not have.
func withPhone(o *sandbox.Options) {
	o.World.Devices = append(o.World.Devices, sandbox.Device{Serial: phone, User: "alice"})
}

func requireMFA(o *sandbox.Options) { o.World.Users[0].RequireMFA = true }

// manager is one process.
func (s *stage) manager() *Manager {
	return &Manager{
		Journal: Journal{
			Dir: filepath.Join(s.dir, "unfinished"), Profile: "work",
			Now: func() time.Time { return s.clock.now().Add(s.skew()) }, Log: slog.New(tapLog{slog.DiscardHandler, s}),
		},
		Paths:     s.paths(),
		Cache:     s.cache,
		SeedStore: s.store,
		Open:      s.open,
		Resolve:   s.resolve,
		Identify:  s.identify,
		Dial:      s.dial,
		Prove:     s.prove,
		Join: func(context.Context, totp.Seed) (creds.Secret, session.Fleet, error) {
			return creds.Secret{}, nil, nil
		},
		Forget:    func(context.Context) error { return nil },
		Sleep:     s.sleep,
		Progress:  func(line string) { s.lines = append(s.lines, line) },
		Countdown: func(_ string, left time.Duration) { s.waits = append(s.waits, left) },
		Confirm: func(_ context.Context, last LastDevice) error {
			if s.confirm == nil {
				s.t.Errorf("asked about %+v", last)
				return errors.New("not asked for")
			}
			return s.confirm(last)
		},
	}
}

// tap surrounds one effect.
func (s *stage) tap(name string, effect func() error) error {
	s.side(name, false)
	if s.broken != nil {
		if err := s.broken(name); err != nil {
			return err
		}
	}
	err := effect()
	s.side(name, true)
	return err
}

func (s *stage) side(name string, done bool) {
	if s.before != nil {
		s.before(name, done)
	}
	s.effects = append(s.effects, name)
	if len(s.effects) == s.dieAt {
		panic(killed{})
	}
}

// dies runs f in a process that dies at the nth side of an effect, if it has so many.
func (s *stage) dies(n int, f func(*Manager)) (died bool) {
	s.effects, s.dieAt = nil, n
	defer func() {
		s.dieAt = 0
		if cause := recover(); cause != nil {
			if _, ok := cause.(killed); !ok {
				panic(cause)
			}
			died = true
		}
	}()
	f(s.manager())
	return false
}

func (s *stage) sleep(ctx context.Context, d time.Duration) error {
	s.clock.advance(d)
	return ctx.Err()
}

func (s *stage) identify(ctx context.Context, key creds.AccessKey) (who awsapi.Identity, err error) {
	if key.ID == "" {
		if key, err = s.items.AccessKey(ctx, "work"); err != nil {
			return awsapi.Identity{}, err
		}
	}
	err = s.tap("GetCallerIdentity", func() (err error) {
		who, err = s.aws.Account(key, creds.Secret{}).GetCallerIdentity(ctx)
		return err
	})
	return who, err
}

// dial signs with the stored key, or with a session of the profile's device, or else of the
// phone.
func (s *stage) dial(ctx context.Context, withMFA bool) (IAM, error) {
	key, err := s.items.AccessKey(ctx, "work")
	if err != nil {
		return nil, err
	}
	var token creds.Secret
	if withMFA {
		session, err := s.mfaSession(ctx, key)
		if err != nil {
			return nil, err
		}
		key, token = creds.AccessKey{ID: session.AccessKeyID, Secret: session.SecretAccessKey}, session.SessionToken
	}
	return tapped{s, s.aws.Account(key, token)}, nil
}

func (s *stage) mfaSession(ctx context.Context, key creds.AccessKey) (creds.Credentials, error) {
	serial, err := s.manager().serial()
	if err != nil {
		return creds.Credentials{}, err
	}
	if serial != "" {
		return s.broker(key, serial).Get(ctx, plan(key, serial), session.Options{})
	}
	world := s.World()
	if !s.phone || world.Device(phone) == nil {
		return creds.Credentials{}, ErrNoSession
	}
	s.clock.advance(totp.Period) // for a code that was not used yet
	code, err := sandbox.Code(world.Device(phone).Seed, s.Now())
	s.must(err)
	result := s.aws.Call(ctx, awsapi.Request{Key: key, Duration: time.Hour, Serial: phone, Code: creds.NewSecret(code), Skew: s.skew()})
	return result.Credentials, result.Err
}

func plan(key creds.AccessKey, serial string) rules.Plan {
	return rules.Plan{Partition: "aws", AccessKeyID: key.ID, Serial: serial, Duration: 12 * time.Hour}
}

// broker returns a session broker.
func (s *stage) broker(key creds.AccessKey, serial string) *session.Broker {
	return &session.Broker{
		STS: s.aws, Secrets: secrets{s, key, serial}, Sessions: s.cache, Clock: clockBook{s},
		Scope:  func(name string) session.Scope { return s.cache.Scope(name) },
		Now:    s.clock.now,
		Sleep:  s.sleep,
		Random: func() float64 { return 0.5 },
		Log:    slog.New(slog.DiscardHandler),
	}
}

func (s *stage) prove(ctx context.Context, p Proof) (err error) {
	key := p.Key
	if key.ID == "" {
		if key, err = s.items.AccessKey(ctx, "work"); err != nil {
			return err
		}
	}
	return s.tap("Prove", func() error {
		_, err := s.broker(key, p.Serial).Get(ctx, plan(key, p.Serial), session.Options{Refresh: true})
		return err
	})
}

type secrets struct {
	s      *stage
	key    creds.AccessKey
	serial string
}

func (x secrets) AccessKey(context.Context) (creds.AccessKey, error) { return x.key, nil }

func (x secrets) Codes(ctx context.Context, _ string) (session.Codes, error) {
	return session.CodesOf(x.s.seed(ctx, x.serial))
}

// seed returns a seed from the store that new ones go to, or else from that of the profile.
func (s *stage) seed(ctx context.Context, serial string) (totp.Seed, error) {
	seed, err := s.itemsIn(s.store).Seed(ctx, serial)
	if missing(err) {
		return s.itemsIn(s.own("work").WhereSeed()).Seed(ctx, serial)
	}
	return seed, err
}
