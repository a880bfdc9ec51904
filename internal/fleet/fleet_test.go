package fleet

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// box is an engine in memory, in the time of a bubble of testing/synctest.
type box struct {
	mu     sync.Mutex
	values map[string]stored
	fail   func(ctx context.Context, n int) error // of the nth operation
	after  bool                                   // it fails after the work is done
	n      int
}

func (b *box) work(ctx context.Context, work func()) (err error) {
	b.mu.Lock()
	b.n++
	n := b.n
	b.mu.Unlock()
	if b.fail != nil {
		err = b.fail(ctx, n)
	}
	if err == nil || b.after {
		b.mu.Lock()
		defer b.mu.Unlock()
		work()
	}
	return err
}

func (b *box) load(key string) (string, time.Duration) {
	v := b.values[key]
	if left := time.Until(v.until); left > 0 {
		return v.value, left
	}
	return "", 0
}

func (b *box) Get(ctx context.Context, keys ...string) (values []string, left time.Duration, err error) {
	err = b.work(ctx, func() {
		_, left = b.load(keys[0])
		for _, key := range keys {
			value, _ := b.load(key)
			values = append(values, value)
		}
	})
	return values, left, err
}

func (b *box) Swap(ctx context.Context, key, old, value string, ttl time.Duration) (present string, swapped bool, err error) {
	err = b.work(ctx, func() {
		present, _ = b.load(key)
		if swapped = present == old; swapped {
			b.values[key] = stored{value: value, until: time.Now().Add(ttl)}
		}
	})
	return present, swapped, err
}

func (b *box) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	return b.work(ctx, func() { b.values[key] = stored{value: value, until: time.Now().Add(ttl)} })
}

func (*box) Close() error { return nil }

// mute is an engine that does not answer.
func mute(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }

// join returns one more host's member.
func (b *box) join(change ...func(*Options)) *Member {
	o := Options{
		Engine: b, Place: "there", Prefix: "p:", Host: "host", Now: time.Now, Random: func() float64 { return 0.5 }, Log: quiet, Note: func(error) {},
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(d):
				return nil
			}
		},
	}
	for _, c := range change {
		c(&o)
	}
	return Join(o, creds.NewSecret("secret"), simSeed.Base32(), simPlan)
}

var anything = session.Wish{ID: "id", Accept: func(creds.Session, time.Time) bool { return true }, Heed: func(rules.Failure) bool { return false }}

func minted() creds.Session {
	return creds.Session{Minted: time.Now(), Credentials: creds.Credentials{AccessKeyID: "ASIA", SecretAccessKey: creds.NewSecret("s"), Expiration: time.Now().Add(time.Hour)}}
}

// inBubble runs a test that ends when the deadline of a get would.
func inBubble(t *testing.T, test func(ctx context.Context, b *box)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), session.Deadline)
		defer cancel()
		test(ctx, &box{values: make(map[string]stored)})
	})
}

// await has a member wait for anything, and checks how long that took. It is the member's turn then.
func await(t *testing.T, ctx context.Context, m *Member, w session.Wish, least, most time.Duration) { //nolint:revive // as all helpers
	t.Helper()
	began := time.Now()
	s, f, err := m.Await(ctx, w)
	if took := time.Since(began); s != nil || f != nil || err != nil || took < least || took > most {
		t.Errorf("%v, %v, %v after %v", s, f, err, took)
	}
}

func TestSilentEngineCostsNoMoreThanItsBudget(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		b.fail = mute
		m := b.join()
		await(t, ctx, m, anything, 10*time.Second, patience)
		began := time.Now()
		if s, free, err := m.Claim(ctx, anything, "serial", 1); s != nil || !free || err != nil {
			t.Errorf("%v, %v, %v", s, free, err)
		}
		m.Share(ctx, "id", minted(), time.Now())
		m.Leave(ctx)
		if took := time.Since(began); took > rescueLimit {
			t.Errorf("then it took %v more", took)
		}
		optional := anything
		optional.Optional = true
		began = time.Now()
		if _, _, err := b.join().Await(ctx, optional); fault.KindOf(err) != fault.Network || time.Since(began) > optionalLimit {
			t.Errorf("where there is no need: %v after %v", err, time.Since(began))
		}
		late := b.join()
		late.answered, late.left = true, optionalLimit
		if _, _, err := late.Claim(ctx, optional, "serial", 1); fault.KindOf(err) != fault.Network {
			t.Errorf("where there is no need, a code may be sent: %v", err)
		}
		if _, _, err := b.join(func(o *Options) { o.Required = true }).Await(ctx, anything); fault.KindOf(err) != fault.Network {
			t.Errorf("although it is required: %v", err)
		}
	})
}

func TestEngineThatIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		from, to int // the operations that fail
		err      error
		tries    int
	}{
		"from the beginning":      {1, 99, ErrAway, 1},
		"after the first answer":  {2, 3, ErrAway, 5}, // get, two that fail, swap, get
		"silent for a while":      {1, 2, ErrSilent, 5},
		"refuses the password":    {1, 99, errors.New("WRONGPASS"), 1},
		"refuses another command": {2, 99, errors.New("NOPERM"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(ctx context.Context, b *box) {
				b.fail = func(_ context.Context, n int) error {
					if n >= c.from && n <= c.to {
						return c.err
					}
					return nil
				}
				m := b.join()
				await(t, ctx, m, anything, 0, 2*time.Second)
				if b.n != c.tries {
					t.Errorf("%d operations", b.n)
				}
			})
		})
	}
}

// TestLostAnswers has the engine do what it is told and not say so: what is there already has been won.
func TestLostAnswers(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		b.after = true
		b.fail = func(_ context.Context, n int) error {
			if n%2 == 1 {
				return ErrSilent
			}
			return nil
		}
		m := b.join()
		await(t, ctx, m, anything, 0, 2*time.Second)
		if _, held := m.leases["id"]; !held {
			t.Error("the lease is not held")
		}
		if _, free, err := m.Claim(ctx, anything, "serial", 1); !free || err != nil {
			t.Errorf("%v, %v", free, err)
		}
		if _, free, _ := b.join().Claim(ctx, anything, "serial", 1); free {
			t.Error("another host may send the same code")
		}
	})
}

func TestHolderThatIsGone(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		await(t, ctx, b.join(), anything, 0, 0) // and is killed
		await(t, ctx, b.join(), anything, leaseTTL, leaseTTL+time.Second)
		for key, v := range b.values { // an engine that keeps leases for ever
			v.until = time.Now().Add(time.Hour)
			b.values[key] = v
		}
		await(t, ctx, b.join(), anything, leaseDead, leaseDead+time.Second)
	})
}

// TestHolderWhoseLeaseIsLost has the engine start again, empty, while one host gets the session: the others wait for
// it as long as they would have waited if it had died.
func TestHolderWhoseLeaseIsLost(t *testing.T) {
	for name, back := range map[string]bool{"comes back": true, "does not": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(ctx context.Context, b *box) {
				holder := b.join()
				await(t, ctx, holder, anything, 0, 0)
				time.AfterFunc(time.Second, func() {
					b.mu.Lock()
					defer b.mu.Unlock()
					clear(b.values)
					n := b.n
					b.fail = func(_ context.Context, now int) error {
						if now <= n+3 {
							return ErrAway
						}
						return nil
					}
				})
				if !back {
					await(t, ctx, b.join(), anything, leaseTTL+time.Second, leaseTTL+3*time.Second)
					return
				}
				time.AfterFunc(8*time.Second, func() { holder.Share(ctx, "id", minted(), time.Now()) })
				if s, _, err := b.join().Await(ctx, anything); s == nil || err != nil {
					t.Errorf("%v, %v", s, err)
				}
			})
		})
	}
}

// TestHostileLease has the engine show another lease each time.
func TestHostileLease(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		m := b.join()
		name := m.name("lease", "id")
		if _, err := m.take(ctx, "id", ""); err != nil {
			t.Fatal(err)
		}
		b.fail = func(context.Context, int) error {
			value, err := m.seal(name, nil)
			b.values[name] = stored{value: value, until: time.Now().Add(time.Hour)}
			return err
		}
		await(t, ctx, b.join(), anything, session.Deadline-aloneLimit-time.Second, session.Deadline-aloneLimit+time.Second)
	})
}

func TestLeaseIsKept(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		holder, other := b.join(), b.join()
		await(t, ctx, holder, anything, 0, 0)
		done := make(chan *creds.Session)
		go func() {
			s, _, err := other.Await(ctx, anything)
			if err != nil {
				t.Error(err)
			}
			done <- s
		}()
		for range 10 {
			time.Sleep(2 * time.Second)
			if _, err := holder.Look(ctx, anything); err != nil {
				t.Error(err)
			}
		}
		holder.Share(ctx, "id", minted(), time.Now())
		holder.Leave(ctx)
		if s := <-done; s == nil || len(holder.leases) != 1 {
			t.Errorf("%v, and the holder has %d leases", s, len(holder.leases))
		}
		if _, _, err := b.join().Await(ctx, session.Wish{ID: "other", Optional: true, Accept: anything.Accept, Heed: anything.Heed}); err != nil {
			t.Errorf("another session: %v", err)
		}
	})
}

func TestOptionalWaitsForNobody(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		await(t, ctx, b.join(), anything, 0, 0)
		optional := anything
		optional.Optional = true
		short, cancel := context.WithTimeout(ctx, 4*time.Second)
		defer cancel()
		if s, _, err := b.join().Await(short, optional); s != nil || !errors.Is(err, session.ErrWaiting) {
			t.Errorf("%v, %v", s, err)
		}
		ctx, interrupt := context.WithCancel(ctx)
		time.AfterFunc(time.Second, interrupt)
		if _, _, err := b.join().Await(ctx, anything); !errors.Is(err, session.ErrWaiting) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// TestRefresh passes the session that is there, and one from before that is put back, and takes the next.
func TestRefresh(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		refresh := anything
		refresh.Refresh = true
		older := minted()
		time.Sleep(time.Minute)
		b.join().Share(ctx, "id", minted(), time.Now())
		m := b.join()
		await(t, ctx, m, refresh, 0, 0)
		b.join().Share(ctx, "id", older, time.Now())
		if s, err := m.Look(ctx, refresh); s != nil || err != nil {
			t.Errorf("%v, %v", s, err)
		}
	})
	t.Run("next", func(t *testing.T) {
		inBubble(t, func(ctx context.Context, b *box) {
			refresh := anything
			refresh.Refresh = true
			m := b.join()
			await(t, ctx, m, refresh, 0, 0)
			b.join().Share(ctx, "id", minted(), time.Now())
			if s, free, err := m.Claim(ctx, refresh, "serial", 1); s == nil || free || err != nil {
				t.Errorf("%v, %v, %v", s, free, err)
			}
		})
	})
}

func TestClaims(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		first, second := b.join(), b.join()
		claim := func(m *Member, step totp.Step, want bool) {
			t.Helper()
			if s, free, err := m.Claim(ctx, anything, "serial", step); s != nil || free != want || err != nil {
				t.Errorf("%v, %v, %v", s, free, err)
			}
		}
		claim(first, 2, true)
		claim(first, 2, true)
		claim(second, 2, false)
		claim(second, 1, false) // before one that is claimed
		claim(second, 3, true)
		first.Free(ctx, "serial", 2)
		claim(b.join(), 2, false) // 3 is claimed
		claim(second, 2, true)    // by itself
		second.Free(ctx, "serial", 2)
		second.Free(ctx, "serial", 3)
		second.Free(ctx, "serial", 3)
		claim(second, 2, true)
		claim(first, 2, false)
		first.Free(ctx, "serial", 2) // not its own
		claim(first, 2, false)
		time.Sleep(claimTTL)
		claim(first, 2, true)
	})
}

// TestFailures shares a failure that comes while others wait, and one that is held off still, but not one without.
func TestFailures(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		f := rules.Failure{At: time.Now(), Kind: fault.Refused, Cause: "because", Until: time.Now().Add(30 * time.Second)}
		await(t, ctx, b.join(), anything, 0, 0)
		waiting := b.join()
		done := make(chan *rules.Failure)
		go func() {
			_, got, _ := waiting.Await(ctx, anything)
			done <- got
		}()
		time.Sleep(time.Second)
		b.join().ShareFailure(ctx, "id", rules.Failure{Cause: "nothing to hold off"}, time.Now())
		time.Sleep(time.Second)
		b.join().ShareFailure(ctx, "id", f, time.Now())
		if got := <-done; got == nil || got.Cause != "because" {
			t.Errorf("who waits gets %v", got)
		}
		held := anything
		held.Heed = func(f rules.Failure) bool { return time.Now().Before(f.Until) }
		if _, got, err := b.join().Await(ctx, held); got == nil || err != nil {
			t.Errorf("who comes later gets %v, %v", got, err)
		}
		time.Sleep(35 * time.Second)
		await(t, ctx, b.join(), held, 0, 0)
	})
}

// TestForgery puts what is not sealed, or sealed for another name, in the place of each value.
func TestForgery(t *testing.T) {
	for kind, put := range map[string]func(m *Member) string{
		"entry":   func(m *Member) string { return m.name("entry", "id") },
		"lease":   func(m *Member) string { return m.name("lease", "id") },
		"failure": func(m *Member) string { return m.failureName("id") },
		"claim":   func(m *Member) string { return m.claimName("serial", 1) },
		"next":    func(m *Member) string { return m.claimName("serial", 2) },
	} {
		t.Run(kind, func(t *testing.T) {
			inBubble(t, func(ctx context.Context, b *box) {
				m := b.join()
				other, err := m.seal(m.name("lease", "another"), []byte("host"))
				if err != nil {
					t.Fatal(err)
				}
				for _, value := range []string{"forged", "\x00", strings.Repeat("x", 1000), other} {
					clear(b.values)
					b.values[put(m)] = stored{value: value, until: time.Now().Add(time.Hour)}
					m, strict := b.join(), b.join(func(o *Options) { o.Required = true })
					await(t, ctx, m, anything, 0, 0)
					if s, free, err := m.Claim(ctx, anything, "serial", 1); s != nil || !free || err != nil {
						t.Errorf("%v, %v, %v", s, free, err)
					}
					before := b.n
					m.Share(ctx, "id", minted(), time.Now())
					if !errors.Is(m.failed, errForged) || b.n != before {
						t.Errorf("the engine is still used: %v", m.failed)
					}
					_, _, err := strict.Await(ctx, anything)
					if err == nil {
						_, _, err = strict.Claim(ctx, anything, "serial", 1)
					}
					if fault.KindOf(err) != fault.Network || !strings.Contains(err.Error(), "does not open") {
						t.Errorf("although it is required: %v", err)
					}
				}
			})
		})
	}
}

// TestRescue finds an engine that is back.
func TestRescue(t *testing.T) {
	inBubble(t, func(ctx context.Context, b *box) {
		b.fail = func(context.Context, int) error { return ErrAway }
		m := b.join()
		await(t, ctx, m, anything, 0, 0)
		b.fail = nil
		b.join().Share(ctx, "id", minted(), time.Now())
		if s, err := m.Look(ctx, anything); s != nil || err != nil {
			t.Errorf("too early: %v, %v", s, err)
		}
		time.Sleep(rescuePause)
		if s, err := m.Look(ctx, anything); s == nil || err != nil {
			t.Errorf("%v, %v", s, err)
		}
	})
}
