package session

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

const (
	serial   = "arn:aws:iam::123456789012:mfa/alice"
	seedText = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// world is one account at AWS and one machine with any number of processes. AWS's
// rules are its own: a code is accepted once, in its time step, and never after a later one.
// AWS's clock is that of the bubble of testing/synctest.
type world struct {
	t    *testing.T
	seed totp.Seed

	// What the tests turn.
	latency time.Duration                                          // of one call
	skew    time.Duration                                          // AWS's clock minus the machine's
	fail    func(n int, r awsapi.Request) (awsapi.Result, bool)    // the nth call fails so, if true
	key     string                                                 // what is wrong with the secret access key, if something is
	secrets error                                                  // of the store, for the access key
	seedErr error                                                  // of the store, for the seed
	program func(context.Context, totp.Step) (creds.Secret, error) // makes the codes in the place of the seed, if set
	noDate  bool                                                   // AWS's answers carry no date
	diskErr error                                                  // of every write
	kernel  error                                                  // of every claim of a code

	mu       sync.Mutex
	calls    []awsapi.Request
	steps    []totp.Step // of the codes seen, in order
	last     totp.Step   // accepted
	others   []*other    // of a pool
	sessions map[string]creds.Session
	records  map[string]rules.Record
	locked   map[string]bool
	claims   map[string]bool
	clock    rules.Clock
}

// inWorld runs test in a bubble. The time begins on a time step's first second.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seed, err := totp.ParseSeed(seedText, totp.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{
			t: t, seed: seed, latency: 150 * time.Millisecond,
			sessions: make(map[string]creds.Session), records: make(map[string]rules.Record), locked: make(map[string]bool), claims: make(map[string]bool),
		}
		time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC))) // no clock that is right shows the year 2000
		test(t, w)
	})
}

// broker returns what one more process of the machine would use.
func (w *world) broker() *Broker {
	return &Broker{
		STS: w, Secrets: w, Sessions: w, Clock: w,
		Scope: func(name string) Scope { return &scope{w, name} },
		Now:   w.local,
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(d):
				return nil
			}
		},
		Random: func() float64 { return 0.5 },
		Log:    slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// get is one process: it has its own broker and the deadline of a real one.
func (w *world) get(p rules.Plan, opts ...Options) (creds.Credentials, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 50*time.Second)
	defer cancel()
	return w.broker().Get(ctx, p, append(opts, Options{})[0])
}

func (w *world) mustGet(p rules.Plan, opts ...Options) creds.Credentials {
	w.t.Helper()
	c, err := w.get(p, opts...)
	if err != nil {
		w.t.Fatalf("get: %v", err)
	}
	return c
}

// local is the machine's clock.
func (w *world) local() time.Time { return time.Now().Add(-w.skew) }

// Call is STS.
func (w *world) Call(ctx context.Context, r awsapi.Request) awsapi.Result {
	w.mu.Lock()
	w.calls = append(w.calls, r)
	n := len(w.calls)
	w.mu.Unlock()
	if w.fail != nil {
		if result, ok := w.fail(n, r); ok {
			w.see(r, awsapi.DeliveryOf(result.Err) != awsapi.Unsent && !unsigned(result.Err), false)
			return result
		}
	}
	if !r.CodeExpires.IsZero() && !w.local().Add(r.Skew).Before(r.CodeExpires) {
		return failure(awsapi.CodeOutOfDate, awsapi.Unsent, fault.Deadline)
	}
	select {
	case <-time.After(w.latency):
	case <-ctx.Done():
		w.see(r, true, true)
		return failure(awsapi.Lost, awsapi.Unknown, fault.Deadline)
	}
	result := awsapi.Result{ServerTime: time.Now(), LocalTime: w.local()}
	if w.noDate {
		result.ServerTime, result.LocalTime = time.Time{}, time.Time{}
	}
	if signed := w.local().Add(r.Skew); time.Since(signed).Abs() > 5*time.Minute {
		result.Err = failure(awsapi.ClockRefused, awsapi.Answered, fault.Clock).Err
		return result
	}
	if r.Serial != "" && !w.see(r, true, true) {
		result.Err = failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused).Err
		return result
	}
	result.Credentials = creds.Credentials{
		AccessKeyID:     fmt.Sprintf("ASIA%016d", n),
		SecretAccessKey: creds.NewSecret("secret"), SessionToken: creds.NewSecret("token"),
		Expiration: time.Now().Add(r.Duration).UTC().Truncate(time.Second),
	}
	return result
}

// unsigned reports whether AWS has refused the signature, and not looked at the code.
func unsigned(err error) bool {
	kind := awsapi.KindOf(err)
	return kind == awsapi.ClockRefused || kind == awsapi.SecretWrong || kind == awsapi.KeyUnknown
}

// see notes the code of r, if it was sent, and reports whether AWS accepts it.
func (w *world) see(r awsapi.Request, sent, judged bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !sent || r.Serial == "" {
		return true
	}
	if o := w.other(r.Serial); o != nil {
		return w.seeOther(o, r, judged)
	}
	step, ok := w.stepOf(r.Code)
	if !ok {
		w.steps = append(w.steps, 0)
		return false
	}
	if slices.Contains(w.steps, step) {
		w.t.Errorf("the code of step %d was sent twice", step)
	}
	w.steps = append(w.steps, step)
	current := totp.StepAt(time.Now())
	if !judged || step <= w.last || step > current+1 || step+1 < current {
		return false
	}
	w.last = step
	return true
}

// stepOf finds the step of a code within 30 hours: tests turn the clock by hours.
func (w *world) stepOf(code creds.Secret) (totp.Step, bool) {
	now := totp.StepAt(time.Now())
	for distance := range totp.Step(30 * 120) {
		for _, step := range []totp.Step{now + distance, now - distance} {
			if w.seed.Code(step).Equal(code) {
				return step, true
			}
		}
	}
	return 0, false
}

// codes returns how many calls carried a code.
func (w *world) codes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.steps)
}

func (w *world) callCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.calls)
}

// AccessKey and Codes are the store.
func (w *world) AccessKey(context.Context) (creds.AccessKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return creds.AccessKey{ID: "AKIAEXAMPLE", Secret: creds.NewSecret("key" + w.key)}, w.secrets
}

func (w *world) Codes(_ context.Context, of string) (Codes, error) {
	if o := w.other(of); o != nil {
		return CodesOf(o.seed, o.seedErr)
	}
	if w.program != nil {
		return Codes{w.program, creds.NewSecret("program")}, w.seedErr
	}
	return CodesOf(w.seed, w.seedErr)
}

// Get and Put are the session cache.
func (w *world) Get(id string) (creds.Session, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.sessions[id]
	return s, ok
}

func (w *world) Put(id string, s creds.Session) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.diskErr == nil {
		w.sessions[id] = s
	}
	return w.diskErr
}

// LoadClock and SaveClock are the clock book.
func (w *world) LoadClock() rules.Clock {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) SaveClock(c rules.Clock) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.diskErr == nil {
		w.clock = c
	}
	return w.diskErr
}

// scope is the lock and the record of one name.
type scope struct {
	w    *world
	name string
}

func (s *scope) Holder() (int, string, bool) { return 0, "", false }

func (s *scope) TryLock() (func(), bool, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.locked[s.name] {
		return nil, false, nil
	}
	s.w.locked[s.name] = true
	return func() {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		s.w.locked[s.name] = false
	}, true, nil
}

func (s *scope) Claim(mark string) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.kernel == nil && s.w.claims[mark] {
		return fs.ErrExist
	}
	s.w.claims[mark] = true
	return s.w.kernel
}

func (s *scope) Free(mark string) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	delete(s.w.claims, mark)
}

func (s *scope) Load() rules.Record {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	r := s.w.records[s.name]
	r.Sent, r.Refused, r.Failures = slices.Clone(r.Sent), slices.Clone(r.Refused), maps.Clone(r.Failures)
	return r
}

func (s *scope) Save(r rules.Record) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.diskErr == nil {
		s.w.records[s.name] = r
	}
	return s.w.diskErr
}

// always is a fault that every call from the nth on meets.
func always(from int, result awsapi.Result) func(int, awsapi.Request) (awsapi.Result, bool) {
	return func(n int, _ awsapi.Request) (awsapi.Result, bool) { return result, n >= from }
}

func failure(verdict awsapi.Kind, delivery awsapi.Delivery, kind fault.Kind) awsapi.Result {
	return awsapi.Result{Err: &awsapi.Error{Kind: verdict, Delivery: delivery, Err: fault.New(kind, "sts", "", "%s", strings.Repeat("x", 3))}}
}

func plan() rules.Plan {
	return rules.Plan{Partition: "aws", AccessKeyID: "AKIAEXAMPLE", Serial: serial, Duration: 12 * time.Hour}
}

func rolePlan(duration time.Duration, names ...string) rules.Plan {
	p := plan()
	for _, name := range names {
		p.Roles = append(p.Roles, creds.Role{ARN: "arn:aws:iam::123456789012:role/" + name, SessionName: "aws-mfa-creds", Duration: duration})
	}
	return p
}
