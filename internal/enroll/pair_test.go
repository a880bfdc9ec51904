package enroll

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// bubble is one device in a bubble of testing/synctest, where waiting is real and takes no
// time. It begins ten seconds into a time step.
type bubble struct {
	t    *testing.T
	seed totp.Seed

	mu     sync.Mutex
	locked bool
	record rules.Record

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
		time.Sleep(10 * time.Second)
		test(t, &bubble{t: t, seed: seed, answer: func(int) error { return nil }})
	})
}

func (b *bubble) run() *run {
	return &run{
		who: awsapi.Identity{ARN: "arn:aws:iam::123456789012:user/alice"},
		Keeper: &Keeper{
			Seeds: b, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Scope: func(string) Scope { return b },
			Sleep: func(ctx context.Context, d time.Duration) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(d):
					return nil
				}
			},
			Progress: func(e Event) { b.left = append(b.left, e.Left) },
		},
	}
}

func (b *bubble) send(ctx context.Context) error {
	return b.run().sendPair(ctx, laptop, func(_ context.Context, p awsapi.Pair) error {
		if !b.locked {
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
		if !slices.Contains(b.record.Sent, pair[0]) || !slices.Contains(b.record.Sent, pair[1]) {
			b.t.Errorf("%v was not claimed before: %v", pair, b.record.Sent)
		}
		if p.User != "alice" || p.Serial != laptop || !p.Expires.Equal(now.End()) {
			b.t.Errorf("%s, %s, until %s", p.User, p.Serial, p.Expires)
		}
		b.pairs, b.sent = append(b.pairs, pair), append(b.sent, now)
		return b.answer(len(b.pairs))
	})
}

func (b *bubble) TryLock() (func(), bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.locked {
		return nil, false, nil
	}
	b.locked = true
	return func() { b.locked = false }, true, nil
}

func (b *bubble) Load() rules.Record { return b.record }

func (b *bubble) Save(r rules.Record) error { b.record = r; return nil }

func (b *bubble) Seed(context.Context, string) (totp.Seed, error) { return b.seed, nil }

func (b *bubble) PutSeed(context.Context, string, totp.Seed) error { return errors.ErrUnsupported }

func (b *bubble) DeleteCopy(context.Context, string, string) error { return nil }

func (b *bubble) DeleteSeed(context.Context, string) error { return errors.ErrUnsupported }

func failed(reason awsapi.Kind, delivery awsapi.Delivery) error {
	return &awsapi.Error{Kind: reason, Delivery: delivery, Err: fault.New(fault.Refused, "", "", "no")}
}

// TestPairs are all answers to a pair, and what they do to the books.
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
		"too late, every time": {[]error{failed(awsapi.CodeOutOfDate, awsapi.Unsent)}, 1 + maxOutdated, 0, awsapi.CodeOutOfDate, 0, 0},
		"wrong clock":          {[]error{failed(awsapi.ClockRefused, awsapi.Answered)}, 1, 0, awsapi.ClockRefused, 0, 2},
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
				if len(b.record.Sent) != test.sent || len(b.record.Refused) != test.refused {
					t.Errorf("books: %+v", b.record)
				}
				for i, pair := range b.pairs {
					if pair[1] != pair[0]+1 || b.sent[i] != pair[0] && b.sent[i] != pair[1] {
						t.Errorf("pair %v sent in %d", pair, b.sent[i])
					}
				}
				if b.locked {
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
		b.record.Claim(now)
		if err := b.send(t.Context()); err != nil {
			t.Error(err)
		}
		if b.pairs[0] != [2]totp.Step{now + 1, now + 2} || b.sent[0] != now+2 {
			t.Errorf("%v in %v, now %d", b.pairs, b.sent, now)
		}
		if into := time.Since(b.sent[0].Start()); into != clockNoise {
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
		b.record.Claim(totp.StepAt(time.Now()))
		ctx, cancel := context.WithCancelCause(t.Context())
		interrupted := errors.New("interrupted")
		time.AfterFunc(2500*time.Millisecond, func() { cancel(interrupted) })
		before := time.Now()
		if err := b.send(ctx); !errors.Is(err, interrupted) || time.Since(before) != 2500*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(before))
		}
		if len(b.pairs) != 0 || b.locked {
			t.Errorf("%v, locked %t", b.pairs, b.locked)
		}
	})
}

// TestHeldLock is waited for, but not for ever. What was sent under it is not sent again.
func TestHeldLock(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		now := totp.StepAt(time.Now())
		b.locked = true
		time.AfterFunc(5*time.Second, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.record.Claim(now)
			b.locked = false
		})
		if err := b.send(t.Context()); err != nil || b.pairs[0][0] != now+1 {
			t.Errorf("%v, %v", err, b.pairs)
		}
		b.locked = true
		before := time.Now()
		err := b.send(t.Context())
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

// TestNewSeedWaitsForNothing enrols again after an enrolment was taken back: the steps that the first
// seed has spent do not matter to the second, whose device has the same serial.
func TestNewSeedWaitsForNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "EnableMFADevice", Status: 409, Code: "LimitExceeded", Message: "Cannot exceed quota for MFADevicesPerUser: 8"})
	told(t, s.enrolFails(), fault.Refused)
	s.untouched()
	s.events = nil
	if result := s.enrol(); result.Serial != laptop {
		t.Errorf("enrolled %s", result.Serial)
	}
	for _, e := range s.events {
		if e.Stage == Waiting {
			t.Fatalf("waits for %s", e.Thing)
		}
	}
	s.works()
	s.onlyOnce()
}
