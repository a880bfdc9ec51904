// Package fleet shares sessions among hosts that have the same access key and seed, through an engine that
// stores small values: one host gets a session, and the others take it over.
//
// It is the protocol alone: it knows no engine (package redis, below it, is one), no disk and no AWS.
// Package session asks it at the few points where another host may have been faster (session/shared.go).
//
//	entry    a session                       until two minutes before it expires
//	failure  why a session cannot be had     for half an hour after the hold-off
//	lease    who is getting a session        10 s, renewed while it is held
//	claim    who sends the code of a step    10 min
//
// Every value is sealed and every name is an HMAC, so that an engine can tell apart, delay, lose and repeat,
// but not read, forge or exchange. A lease saves work and nothing else: it may lapse, be lost or be passed over.
// What keeps a code from being sent twice is its claim, which only one host can have made. Without the
// engine, the hosts do what they do without a fleet.
package fleet

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Engine stores values for a time. An absent value is "", and none is stored as such.
type Engine interface {
	// Get returns the values of all the keys, and how long the first will be kept: 0 if it is absent or has no end.
	Get(ctx context.Context, keys ...string) (values []string, left time.Duration, err error)

	// Swap replaces the value of key, if it is old, in one step that nothing comes between. It returns the
	// value that was there otherwise.
	Swap(ctx context.Context, key, old, value string, ttl time.Duration) (present string, swapped bool, err error)

	// Put sets the value of key, whatever it was.
	Put(ctx context.Context, key, value string, ttl time.Duration) error

	io.Closer
}

// What is worth another try. An engine wraps these; every other error ends its use in this run.
var (
	// ErrSilent: the engine did not answer, or not to the end. It may be overrun.
	ErrSilent = errors.New("no answer")

	// ErrAway: the engine does not serve now. One that has answered before may be failing over.
	ErrAway = errors.New("not serving")
)

// errForged says that the engine returned what none of the hosts can have stored there.
var errForged = errors.New("a value does not open with the key of this identity: somebody else has stored it")

// What the engine may cost. A run has 50 s, and getting a session without the engine may take 37 s of it.
const (
	operationLimit = 5 * time.Second
	patience       = 11 * time.Second // of all failed operations together
	optionalLimit  = time.Second      // the same, where there is a session to fall back on
	rescueLimit    = time.Second      // of one more try when patience has ended
	rescuePause    = 2 * time.Second
	firstRetry     = 100 * time.Millisecond
)

// Options are what a Member works with. All but Required are needed.
type Options struct {
	Engine Engine
	Place  string // of the engine, for messages
	Prefix string // of all keys
	Host   string // this host, for the debug log of others

	// Required makes it an error that the engine cannot be used.
	Required bool

	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Random func() float64 // in [0, 1)
	Log    *slog.Logger

	// Note is told at the end whether the engine was of use: why not, or nil.
	Note func(failed error)
}

// Member is the part of one get in the fleet.
type Member struct {
	Options
	key   cache.Key
	group string
	route string // how AWS is reached

	leases map[string]lease     // that are held, by the session
	claims map[string]string    // that were made, by their names
	passed map[string]time.Time // when the session was minted that is to be replaced, by the session

	answered bool          // the engine has answered in this run
	lost     time.Time     // when it went away after that: it may have lost what it had
	left     time.Duration // of patience
	failed   error         // why the engine is not used any more
	passing  bool          // failed may pass
	tried    time.Time     // when that was last looked at
}

// Join returns the member for an identity: hosts with the same secrets share.
func Join(o Options, secretAccessKey, seed creds.Secret, plan rules.Plan) *Member {
	m := &Member{
		Options: o, key: cache.DeriveFleetKey(secretAccessKey, seed), route: plan.Mark(), left: patience,
		leases: make(map[string]lease), claims: make(map[string]string), passed: make(map[string]time.Time),
	}
	m.group = o.Prefix + "{" + m.key.Name("group") + "}"
	return m
}

// Leave gives back the leases that are held, so that nobody waits for them, and closes the engine.
func (m *Member) Leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rescueLimit)
	defer cancel()
	for id, l := range m.leases {
		if m.failed == nil {
			_, _, _ = m.swap(ctx, m.name("lease", id), l.value, "", 0)
		}
	}
	if m.failed != nil || m.answered {
		m.Note(m.failed)
	}
	_ = m.Engine.Close()
}

// Forget removes the sessions and the failures of these ids from the shared cache.
func (m *Member) Forget(ctx context.Context, ids []string) error {
	for _, id := range ids {
		for _, name := range []string{m.name("entry", id), m.failureName(id)} {
			values, _, err := m.get(ctx, name)
			if err == nil && values[0] != "" {
				_, _, err = m.swap(ctx, name, values[0], "", 0)
			}
			if err != nil {
				return m.unusable(err)
			}
		}
	}
	return nil
}

// name returns the key of what is stored for the parts. The braces keep all keys of an identity in one slot
// of a Redis Cluster.
func (m *Member) name(kind string, parts ...string) string {
	id := kind
	for _, part := range parts {
		id += "\x00" + part
	}
	return m.group + m.key.Name(id)
}

func (m *Member) claimName(serial string, step totp.Step) string {
	return m.name("step", serial, strconv.FormatUint(uint64(step), 10))
}

// seal returns content as it is stored under name. No two values are the same, so that each tells who wrote it.
func (m *Member) seal(name string, content []byte) (string, error) {
	sealed, err := m.key.Seal(name, content)
	return string(sealed), err
}

// open returns the content of a value that is stored under name. One that does not open ends the use of the engine.
func (m *Member) open(name, value string) ([]byte, error) {
	content, err := m.key.Unseal(name, []byte(value))
	if err != nil {
		return nil, m.give(errForged, false)
	}
	return content, nil
}

func (m *Member) get(ctx context.Context, keys ...string) (values []string, left time.Duration, err error) {
	err = m.do(ctx, func(ctx context.Context) (err error) {
		values, left, err = m.Engine.Get(ctx, keys...)
		return err
	})
	return values, left, err
}

// swap is Engine.Swap. If an answer was lost, the value may be ours already.
func (m *Member) swap(ctx context.Context, key, old, value string, ttl time.Duration) (present string, swapped bool, err error) {
	err = m.do(ctx, func(ctx context.Context) (err error) {
		present, swapped, err = m.Engine.Swap(ctx, key, old, value, ttl)
		swapped = swapped || err == nil && present == value
		return err
	})
	return present, swapped, err
}

// do has the engine do work, and once more where that may help, within what failures may cost. Its error is
// why the engine is not used any more, or session.ErrWaiting if this run is to end.
func (m *Member) do(ctx context.Context, work func(context.Context) error) error {
	if m.failed != nil {
		return m.rescue(ctx, work)
	}
	for pause := firstRetry; ; pause *= 2 {
		began := m.Now()
		err := within(ctx, min(operationLimit, m.left), work)
		if err == nil {
			m.answered = true
			return nil
		}
		if ctx.Err() != nil {
			return session.ErrWaiting
		}
		again := silent(err)
		if errors.Is(err, ErrAway) && m.answered {
			again, m.lost = true, m.Now()
		}
		pause = min(pause, time.Second)
		jittered := time.Duration(float64(pause) * (0.5 + m.Random()))
		m.left -= min(m.Now().Sub(began), operationLimit) + jittered // longer means that this process was suspended
		if !again || m.left <= 0 {
			return m.give(err, again || errors.Is(err, ErrAway))
		}
		m.Log.Debug("shared cache: trying again", "error", err)
		if m.Sleep(ctx, jittered) != nil {
			return session.ErrWaiting
		}
	}
}

// rescue does work with an engine that was given up, if it may be back.
func (m *Member) rescue(ctx context.Context, work func(context.Context) error) error {
	if !m.passing || m.Now().Sub(m.tried) < rescuePause {
		return m.failed
	}
	err := within(ctx, rescueLimit, work)
	m.tried = m.Now()
	if err != nil {
		return m.failed
	}
	m.Log.Debug("shared cache: back")
	m.failed = nil
	return nil
}

func within(ctx context.Context, limit time.Duration, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return work(ctx)
}

// give ends the use of the engine; passing tells that it may be of use again in this run.
func (m *Member) give(err error, passing bool) error {
	m.failed, m.passing, m.tried = err, passing, m.Now()
	m.Log.Debug("shared cache: going on without it", "error", err)
	return err
}

// without returns what it means that the engine has failed with err: nothing, or the error that the settings
// make of it, or that there is no need to go on: who is overrun is asked by many, and there is one code. That
// this run is to end stays as it is.
func (m *Member) without(w session.Wish, err error) error {
	switch {
	case err == nil || errors.Is(err, session.ErrWaiting):
		return err
	case m.Required:
		return fault.New(fault.Network, "shared cache "+m.Place, "run: aws-mfa-creds doctor --online --profile NAME; without required=true, get goes on without it", "it is required and cannot be used: %v", err)
	case w.Optional && silent(err):
		return m.unusable(err)
	}
	return nil
}

func (m *Member) unusable(err error) error {
	return fault.New(fault.Network, "shared cache "+m.Place, "run: aws-mfa-creds doctor --online --profile NAME", "cannot be used: %v", err)
}

// silent reports whether an engine did not answer in time.
func silent(err error) bool {
	return errors.Is(err, ErrSilent) || errors.Is(err, context.DeadlineExceeded)
}
