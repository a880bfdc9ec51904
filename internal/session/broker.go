// Package session decides whether to return the cached session or get a new one, which time step to use,
// how long to wait, when to call once more, and when to leave AWS alone.
//
// It works through the small interfaces below, and uses no SDK client, no keyring and no file. One call
// goes Get -> serve -> (refresh ->) mint -> mintLocked -> mintWithCode or mintFromSource. Time steps
// whose code is sent are claimed in sendCode (mint.go). What the decisions follow is in package rules:
// spent steps (record.go), the refresh window (window.go), waiting periods (failure.go), a wrong clock
// (clock.go).
//
// A get whose cached session is fresh does not come here: package warm answers it by the same rules.
package session

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

const (
	// refreshPatience limits a refresh that is not needed yet: a consumer may kill
	// its helper after five seconds.
	refreshPatience = 4 * time.Second

	// refreshPause is how long a failed refresh is not tried again while the old
	// session is of use.
	refreshPause = 30 * time.Second
)

// STS makes one call to AWS, one request, without retries.
type STS interface {
	Call(ctx context.Context, r awsapi.Request) awsapi.Result
}

// Secrets reads the long-lived secrets of one identity from where they rest. Both
// return a *fault.Error of kind NoSecret or Store.
type Secrets interface {
	AccessKey(ctx context.Context) (creds.AccessKey, error)

	// Codes opens the source of the token codes of a device: what is slow about it happens here,
	// before a time step is chosen.
	Codes(ctx context.Context, serial string) (Codes, error)
}

// Codes is a source of token codes.
type Codes struct {
	// Code returns the token code of the time step, which is the current one. A source that has a
	// clock of its own (a program, a hardware token) returns its current code.
	Code func(ctx context.Context, step totp.Step) (creds.Secret, error)

	// Origin is what tells the source from others: the seed, or a program with its arguments.
	Origin creds.Secret
}

// CodesOf returns the codes of the seed, which err has kept from being read.
func CodesOf(seed totp.Seed, err error) (Codes, error) {
	return Codes{
		Code:   func(_ context.Context, step totp.Step) (creds.Secret, error) { return seed.Code(step), nil },
		Origin: seed.Base32(),
	}, err
}

// Deadline ends every get, waits for locks and time steps included. The Go SDK, and Terraform with it,
// gives its helper 60 seconds.
const Deadline = 50 * time.Second

// Sessions is the session cache. A damaged or foreign entry is a miss.
type Sessions interface {
	Get(id string) (creds.Session, bool)
	Put(id string, s creds.Session) error
}

// Scope is the lock and the record of one device, or of one chained role. Load
// returns an empty record if there is none; a lock that the file system cannot
// give counts as held.
type Scope interface {
	TryLock() (unlock func(), held bool, err error)

	// Holder returns the process that holds the lock, as far as that is known, or 0.
	Holder() (pid int, command string, suspended bool)

	Load() rules.Record
	Save(r rules.Record) error

	// Claim claims the token code of the mark, beyond the lock and the record: fs.ErrExist says that it
	// was claimed before, another error that nobody knows. Free takes a claim back.
	Claim(mark string) error
	Free(mark string)
}

// ClockBook remembers how far this machine's clock is from AWS's.
type ClockBook interface {
	LoadClock() rules.Clock
	SaveClock(c rules.Clock) error
}

// Broker hands out sessions. All fields but Waiting, Fleet and AskTime are required.
type Broker struct {
	STS      STS
	Secrets  Secrets
	Sessions Sessions
	Scope    func(name string) Scope
	Clock    ClockBook

	// Now is this machine's clock, and Sleep waits for d or until ctx is done,
	// returning ctx's error then.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	// Waiting, if not nil, is told how long the next time step has to be waited for, again and again, and
	// with 0 that it goes on.
	Waiting func(left time.Duration)

	// Random returns a number in [0, 1), for the jitter of waits.
	Random func() float64

	Log *slog.Logger

	// Start says with which device of a pool to begin, in the order of its serials: each host with another one.
	Start int

	// Fleet joins the hosts that share sessions, by the secrets that all of them have. It is nil where
	// there are none, and so is what it returns then. Its error is a *fault.Error.
	Fleet func(secretAccessKey, seed creds.Secret, plan rules.Plan) (Fleet, error)

	// AskTime asks AWS for the time with an access key and without a code, as awsapi.Result has it. Only
	// a fleet needs it.
	AskTime func(ctx context.Context, key creds.AccessKey) (server, local time.Time)
}

// Options are the wishes of one call.
type Options struct {
	Refresh bool // mint a new session even if a cached one is good

	// Ahead sends the code of the next time step where that of the current one is spent,
	// instead of waiting for it to begin. AWS is known to bear with clocks that are half a minute
	// fast, but does not promise it; if it refuses, one more step is waited for.
	Ahead bool
}

// Get returns the credentials of plan, from the cache while they are good, else
// from AWS. It waits, for the lock or the next time step, no longer than ctx allows; the
// error is a *fault.Error, or ctx's cause when ctx was cancelled.
func (b *Broker) Get(ctx context.Context, plan rules.Plan, opts Options) (creds.Credentials, error) {
	c := b.begin(plan)
	defer c.leave(ctx)
	session, err := c.serve(ctx, plan.Target(), demand{Options: opts})
	return session.Credentials, err
}

// call is the state of one Get.
type call struct {
	*Broker
	plan    rules.Plan
	started time.Time // this machine's clock
	clock   rules.Clock
	read    *secrets // nil until they are asked for

	fleet    Fleet     // nil until it is joined
	looked   time.Time // when it was asked last whether another host has the session
	compared bool      // AWS was asked for the time
	unsure   bool      // of the two codes that tell whether the seed is right, one could not be sent
}

// secrets are what a call with a code is made of.
type secrets struct {
	key   creds.AccessKey
	codes map[string]Codes // of the first device, and of others once they are used; by their serials
}

// secrets reads the secrets, once.
func (c *call) secrets(ctx context.Context) (*secrets, error) {
	if c.read != nil {
		return c.read, nil
	}
	key, err := c.Secrets.AccessKey(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := c.Secrets.Codes(ctx, c.plan.Serial)
	if err != nil {
		return nil, err
	}
	c.read = &secrets{key, map[string]Codes{c.plan.Serial: codes}}
	return c.read, nil
}

func (b *Broker) begin(plan rules.Plan) *call {
	return &call{Broker: b, plan: plan, started: b.Now(), clock: b.Clock.LoadClock()}
}

// demand is what kind of session is asked for.
type demand struct {
	Options

	// replaces is the access key id of the cached session that Refresh is to replace. A hold-off does not
	// count then.
	replaces string

	// optional: there is a session to fall back on, so nothing is waited for.
	optional bool

	// from is the first time step whose code may be sent.
	from totp.Step
}

// serve returns the session of t: the cached one while it is fresh, else a
// refreshed one, else, if that fails, the cached one while it is of use.
func (c *call) serve(ctx context.Context, t *rules.Target, d demand) (creds.Session, error) {
	cached, ok := c.cached(t)
	switch {
	case d.Refresh:
		d.replaces = cached.Credentials.AccessKeyID
		return c.mint(ctx, t, d)
	case !ok:
		return c.mint(ctx, t, d)
	case rules.Fresh(cached, c.now()):
		return cached, nil
	case !rules.Usable(cached, c.now()):
		return c.mint(ctx, t, d)
	case c.failedLately(t):
		return cached, nil
	}
	return c.refresh(ctx, t, cached)
}

// refresh replaces a session that is still of use but inside its refresh window.
// Nothing that goes wrong here matters before the old one is used up.
func (c *call) refresh(ctx context.Context, t *rules.Target, cached creds.Session) (creds.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	session, err := c.mint(ctx, t, demand{optional: true})
	if err != nil && rules.Usable(cached, c.now()) {
		c.Log.Debug("refresh failed, serving the cached session", "error", err, "expires", cached.Credentials.Expiration)
		return cached, nil
	}
	return session, err
}

// failedLately reports whether a refresh of t failed so recently that trying it
// again would only delay the consumer.
func (c *call) failedLately(t *rules.Target) bool {
	now := c.Now()
	record := c.Scope(t.Scope).Load()
	_, lately := record.FailedSince(t.ID, now.Add(-refreshPause), now)
	_, held := record.Held(t.ID, now)
	return lately || held
}

// cached returns the session of t from the cache if it may be handed out at all.
func (c *call) cached(t *rules.Target) (creds.Session, bool) {
	session, ok := c.Sessions.Get(t.ID)
	if !ok || !rules.Valid(session, c.now()) {
		return creds.Session{}, false
	}
	return session, true
}

// now returns the corrected time: AWS's clock, as far as it is known.
func (c *call) now() time.Time { return c.Now().Add(c.skew()) }

// skew returns what has to be added to this machine's clock to get AWS's.
func (c *call) skew() time.Duration { return c.clock.SkewAt(c.Now()) }

// Learn keeps the skew that an answer shows, in book: AWS's time was server when this machine's was
// local. If it cannot be stored, the next answer shows it again.
func Learn(book ClockBook, server, local time.Time) { learn(book, book.LoadClock(), server, local) }

// learn returns the clock as it is known after an answer, which it keeps in book if it was another before.
func learn(book ClockBook, known rules.Clock, server, local time.Time) rules.Clock {
	measured := known.Measure(server, local)
	if measured != known {
		_ = book.SaveClock(measured)
	}
	return measured
}
