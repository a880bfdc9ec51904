package enroll

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
)

// bubble is one device in a bubble of testing/synctest, where waiting is real and takes no
// time. It begins ten seconds into a time step. Store and cache are real.
type bubble struct {
	t     *testing.T
	seed  totp.Seed
	store keystore.Items
	cache *cache.Cache

	fleet  session.Fleet
	answer func(n int) error // to the nth pair
	pairs  [][2]totp.Step
	sent   []totp.Step // the steps during which they were sent
	left   []time.Duration
}

func inBubble(t *testing.T, test func(t *testing.T, b *bubble)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seed, err := totp.ParseSeed("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", totp.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 10, 0, time.UTC)))
		dir := t.TempDir()
		b := &bubble{
			t: t, seed: seed, answer: func(int) error { return nil },
			store: keystore.Items{Store: keystore.Age(keystore.Options{Dir: filepath.Join(dir, "age"), Now: time.Now})},
		}
		if b.cache, err = cache.Open(cache.Options{Dir: filepath.Join(dir, "cache"), Keys: sealing(), Now: time.Now}); err != nil {
			t.Fatal(err)
		}
		defer b.cache.Close()
		defer keys.Remove(cache.ClaimsIn(b.cache.Dir))
		if err := b.store.PutSeed(t.Context(), laptop, seed); err != nil {
			t.Fatal(err)
		}
		test(t, b)
	})
}

func (b *bubble) run() *run {
	return &run{
		who:   awsapi.Identity{ARN: "arn:aws:iam::123456789012:user/alice"},
		seeds: b.store,
		Manager: &Manager{
			Join: func(context.Context, totp.Seed) (creds.Secret, session.Fleet, error) {
				return creds.Secret{}, b.fleet, nil
			},
			Journal: Journal{Now: time.Now, Log: slog.New(slog.DiscardHandler)},
			Cache:   b.cache,
			Sleep: func(ctx context.Context, d time.Duration) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(d):
					return nil
				}
			},
			Countdown: func(_ string, left time.Duration) { b.left = append(b.left, left) },
		},
	}
}

func (b *bubble) scope() *cache.Scope { return b.cache.Scope(rules.DeviceScope(laptop)) }

func (b *bubble) record() rules.Record { return b.scope().Load() }

// claim is what another process does that sends the code of step.
func (b *bubble) claim(step totp.Step) {
	record := b.record()
	record.Claim(step)
	if err := b.scope().Save(record); err != nil {
		b.t.Error(err)
	}
}

// locked reports whether somebody has the lock of the device.
func (b *bubble) locked() bool {
	unlock, held, err := b.scope().TryLock()
	if err != nil {
		b.t.Error(err)
	}
	if held {
		unlock()
	}
	return !held
}

func (b *bubble) send(ctx context.Context) error {
	return b.run().sendPair(ctx, laptop, func(_ context.Context, p awsapi.Pair) error {
		if !b.locked() {
			b.t.Error("sent without the lock of the device")
		}
		var pair [2]totp.Step
		now := totp.StepAt(time.Now())
		for step := now - 5; step < now+5; step++ {
			if b.seed.Code(step).Equal(p.First) {
				pair[0] = step
			}
			if b.seed.Code(step).Equal(p.Second) {
				pair[1] = step
			}
		}
		if sent := b.record().Sent; !slices.Contains(sent, pair[0]) || !slices.Contains(sent, pair[1]) {
			b.t.Errorf("%v was not claimed before: %v", pair, sent)
		}
		if p.User != "alice" || p.Serial != laptop || !p.Expires.Equal(now.End()) {
			b.t.Errorf("%s, %s, until %s", p.User, p.Serial, p.Expires)
		}
		b.pairs, b.sent = append(b.pairs, pair), append(b.sent, now)
		return b.answer(len(b.pairs))
	})
}

func failed(reason awsapi.Kind, delivery awsapi.Delivery) error {
	return &awsapi.Error{Kind: reason, Delivery: delivery, Err: fault.New(fault.Refused, "", "", "no")}
}

// TestPairs are all answers to a pair, and what they do to the record.
func TestPairs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []error // the last one stays
		pairs   int
		took    time.Duration
		reason  awsapi.Kind
		sent    int // steps that count as spent
		refused int
	}{
		"accepted":             {[]error{nil}, 1, 0, awsapi.None, 2, 0},
		"accepted ahead":       {[]error{failed(awsapi.CodeRefused, awsapi.Answered), nil}, 2, 22 * time.Second, awsapi.None, 2, 2},
		"refused twice":        {[]error{failed(awsapi.CodeRefused, awsapi.Answered)}, 2, 22 * time.Second, awsapi.CodeRefused, 0, 4},
		"lost":                 {[]error{failed(awsapi.Lost, awsapi.Unknown)}, 1, 0, awsapi.Lost, 2, 0},
		"denied":               {[]error{failed(awsapi.Denied, awsapi.Answered)}, 1, 0, awsapi.Denied, 2, 0},
		"not sent":             {[]error{failed(awsapi.Unreachable, awsapi.Unsent)}, 1, 0, awsapi.Unreachable, 0, 0},
		"too late, then not":   {[]error{failed(awsapi.CodeOutOfDate, awsapi.Unsent), nil}, 2, 0, awsapi.None, 2, 0},
		"too late, every time": {[]error{failed(awsapi.CodeOutOfDate, awsapi.Unsent)}, 1 + rules.MaxOutdated, 0, awsapi.CodeOutOfDate, 0, 0},
		"wrong clock":          {[]error{failed(awsapi.ClockRefused, awsapi.Answered)}, 1, 0, awsapi.ClockRefused, 0, 0},
		"wrong secret":         {[]error{failed(awsapi.SecretWrong, awsapi.Answered)}, 1, 0, awsapi.SecretWrong, 0, 0},
		"unknown key":          {[]error{failed(awsapi.KeyUnknown, awsapi.Answered)}, 1, 0, awsapi.KeyUnknown, 0, 0},
		"no reason":            {[]error{errors.New("x")}, 1, 0, awsapi.None, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				b.answer = func(n int) error { return test.answers[min(n, len(test.answers))-1] }
				before := time.Now()
				err := b.send(t.Context())
				if last := test.answers[len(test.answers)-1]; !errors.Is(err, last) || awsapi.KindOf(err) != test.reason {
					t.Errorf("%v", err)
				}
				if len(b.pairs) != test.pairs || time.Since(before) != test.took {
					t.Errorf("%d pairs in %s", len(b.pairs), time.Since(before))
				}
				if record := b.record(); len(record.Sent) != test.sent || len(record.Refused) != test.refused {
					t.Errorf("record: %+v", record)
				}
				for i, pair := range b.pairs {
					if pair[1] != pair[0]+1 || b.sent[i] != pair[0] && b.sent[i] != pair[1] {
						t.Errorf("pair %v sent in %d", pair, b.sent[i])
					}
				}
				if b.locked() {
					t.Error("the lock is still held")
				}
			})
		})
	}
}

// TestCountdown tells the seconds that are left, once each.
func TestCountdown(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		now := totp.StepAt(time.Now())
		b.claim(now)
		if err := b.send(t.Context()); err != nil {
			t.Error(err)
		}
		if b.pairs[0] != [2]totp.Step{now + 1, now + 2} || b.sent[0] != now+2 {
			t.Errorf("%v in %v, now %d", b.pairs, b.sent, now)
		}
		if into := time.Since(b.sent[0].Start()); into != rules.ClockNoise {
			t.Errorf("sent %s into the step", into)
		}
		if len(b.left) != 53 || b.left[0] != 53*time.Second || b.left[51] != 2*time.Second || b.left[52] != 0 {
			t.Errorf("%v", b.left)
		}
	})
}

// TestCancelledWait ends at once, with the cause, and sends nothing.
func TestCancelledWait(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.claim(totp.StepAt(time.Now()))
		ctx, cancel := context.WithCancelCause(t.Context())
		interrupted := errors.New("interrupted")
		time.AfterFunc(2500*time.Millisecond, func() { cancel(interrupted) })
		before := time.Now()
		if err := b.send(ctx); !errors.Is(err, interrupted) || time.Since(before) != 2500*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(before))
		}
		if len(b.pairs) != 0 || b.locked() {
			t.Errorf("%v, locked %t", b.pairs, b.locked())
		}
	})
}

// TestHeldLock is waited for, but not for ever. What was sent under it is not sent again.
func TestHeldLock(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		now := totp.StepAt(time.Now())
		unlock, _, err := b.scope().TryLock()
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(5*time.Second, func() {
			b.claim(now)
			unlock()
		})
		if err := b.send(t.Context()); err != nil || b.pairs[0][0] != now+1 {
			t.Errorf("%v, %v", err, b.pairs)
		}
		unlockAgain, _, err := b.scope().TryLock()
		if err != nil {
			t.Fatal(err)
		}
		defer unlockAgain()
		before := time.Now()
		err = b.send(t.Context())
		if fault.KindOf(err) != fault.Deadline || !strings.Contains(err.Error(), laptop) || time.Since(before) < lockPatience {
			t.Errorf("%v after %s", err, time.Since(before))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.send(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// TestNewSeedWaitsForNothing enrolls again after an enrollment was taken back: the steps that the first
// seed has spent do not matter to the second, whose device has the same serial.
func TestNewSeedWaitsForNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "EnableMFADevice", Status: 409, Code: "LimitExceeded", Message: "Cannot exceed quota for MFADevicesPerUser: 8"})
	fails(t, s.enrollFails(), fault.Refused)
	s.untouched()
	s.lines, s.waits = nil, nil
	if result := s.enroll(); result.Serial != laptop {
		t.Errorf("enrolled %s", result.Serial)
	}
	if len(s.waits) > 0 {
		t.Fatalf("waits %v", s.waits)
	}
	s.works()
	s.onlyOnce()
}

// sealing is a key of the cache.
func sealing() cache.KeySource {
	return cache.KeyFunc(func() (cache.Key, error) {
		return cache.DeriveKey(creds.NewSecret("secret"), creds.NewSecret("seed")), nil
	})
}

// others is a fleet in which other hosts have claimed steps.
type others struct {
	session.Fleet
	claimed, freed []totp.Step
}

func (o *others) Claim(_ context.Context, _ session.Wish, _ string, step totp.Step) (*creds.Session, bool, error) {
	free := !slices.Contains(o.claimed, step) && !slices.Contains(o.claimed, step+1)
	return nil, free, nil
}

func (o *others) Free(_ context.Context, _ string, step totp.Step) { o.freed = append(o.freed, step) }
func (*others) Leave(context.Context)                              {}

// TestPairOfAFleet sends no code that another host has claimed, and gives back those that were not sent.
func TestPairOfAFleet(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		t.Helper()
		now := totp.StepAt(time.Now())
		fleet := &others{claimed: []totp.Step{now}}
		b.fleet = fleet
		b.answer = func(int) error { return failed(awsapi.Unreachable, awsapi.Unsent) }
		if err := b.send(t.Context()); err == nil {
			t.Error("no error")
		}
		if want := [2]totp.Step{now + 1, now + 2}; len(b.pairs) != 1 || b.pairs[0] != want || !slices.Equal(fleet.freed, want[:]) {
			t.Errorf("sent %v, freed %v", b.pairs, fleet.freed)
		}
		if b.answer = func(int) error { return nil }; b.send(t.Context()) != nil || b.pairs[1] != b.pairs[0] {
			t.Errorf("the second run sent %v", b.pairs)
		}
	})
}

// gone is a fleet that cannot wait, since the process that started this one is gone.
type gone struct{ session.Fleet }

func (gone) Claim(context.Context, session.Wish, string, totp.Step) (*creds.Session, bool, error) {
	return nil, true, session.ErrWaiting
}

// TestNoCodeWithoutAClaim: that a claim was given up is no claim.
func TestNoCodeWithoutAClaim(t *testing.T) {
	t.Parallel()
	if free, err := (codes{LockedRecord: &session.LockedRecord{}, fleet: gone{}}).claim(t.Context(), 1); free || err == nil {
		t.Errorf("free %t, %v", free, err)
	}
}
