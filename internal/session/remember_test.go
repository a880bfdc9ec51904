package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestRefusalDiesWithItsCause: AWS is asked again at once by who asks with anything else.
func TestRefusalDiesWithItsCause(t *testing.T) {
	for name, change := range map[string]func(w *world, p *rules.Plan) (asked bool){
		"nothing":            func(*world, *rules.Plan) bool { return false },
		"another seed":       func(w *world, _ *rules.Plan) bool { w.seed = otherSeed(t); return true },
		"another secret key": func(w *world, _ *rules.Plan) bool { w.key = ", corrected"; return true },
		"another program": func(w *world, _ *rules.Plan) bool {
			w.program = func(_ context.Context, step totp.Step) (creds.Secret, error) { return w.seed.Code(step), nil }
			return true
		},
		"another region":        func(_ *world, p *rules.Plan) bool { p.Route = "eu-central-1"; return true },
		"another partition":     func(_ *world, p *rules.Plan) bool { p.Partition = "aws-cn"; return true },
		"another endpoint":      func(_ *world, p *rules.Plan) bool { p.Endpoint = "https://sts.example.com"; return true },
		"a rotated key":         func(_ *world, p *rules.Plan) bool { p.AccessKeyID = "AKIAROTATED"; return true },
		"another device":        func(_ *world, p *rules.Plan) bool { p.Serial = serial + "-2"; return true },
		"another duration":      func(_ *world, p *rules.Plan) bool { p.Duration = time.Hour; return true },
		"another role":          func(_ *world, p *rules.Plan) bool { *p = rolePlan(2*time.Hour, "other"); return true },
		"cleared":               func(w *world, p *rules.Plan) bool { w.broker().Forget(*p); return true },
		"a locked store, first": func(w *world, _ *rules.Plan) bool { w.secrets = fault.New(fault.Store, "", "", "locked"); return false },
	} {
		for _, kind := range []awsapi.Kind{awsapi.CodeRefused, awsapi.SecretWrong, awsapi.KeyUnknown, awsapi.Denied, awsapi.Refused} {
			t.Run(name+", "+kind.String(), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.fail = always(1, failure(kind, awsapi.Answered, fault.Refused))
					for range 5 { // the hold-off is eight minutes now
						if _, err := w.get(plan(), Options{Refresh: true}); fault.KindOf(err) != fault.Refused {
							t.Fatalf("got %v", err)
						}
						time.Sleep(time.Minute)
					}
					w.fail = nil
					p, calls := plan(), w.callCount()
					asked := change(w, &p)
					_, err := w.get(p)
					if asked != (err == nil) || asked != (w.callCount() > calls) {
						t.Errorf("%d calls more, %v", w.callCount()-calls, err)
					}
				})
			})
		}
	}
}

func otherSeed(t *testing.T) totp.Seed {
	seed, err := totp.ParseSeed("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ", totp.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// TestWaiterWithOtherSecrets does not share the failure of the process that it waited for.
func TestWaiterWithOtherSecrets(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = func(n int, _ awsapi.Request) (awsapi.Result, bool) {
			time.Sleep(5 * time.Second)
			return failure(awsapi.SecretWrong, awsapi.Answered, fault.Refused), n == 1
		}
		done := make(chan error)
		go func() {
			_, err := w.get(plan())
			done <- err
		}()
		time.Sleep(time.Second)
		w.mu.Lock()
		w.key = ", corrected"
		w.mu.Unlock()
		w.mustGet(plan())
		if err := <-done; fault.KindOf(err) != fault.Refused || w.callCount() != 2 {
			t.Errorf("%d calls, %v", w.callCount(), err)
		}
	})
}

// TestRefusedRole: its hold-off is its own, and ends with the session that was refused.
func TestRefusedRole(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = func(_ int, r awsapi.Request) (awsapi.Result, bool) {
			return failure(awsapi.Denied, awsapi.Answered, fault.Refused), r.Role != nil
		}
		role := rolePlan(time.Hour, "deploy")
		for range 3 {
			if _, err := w.get(role); fault.KindOf(err) != fault.Refused {
				t.Fatalf("got %v", err)
			}
		}
		w.mustGet(plan())
		if w.callCount() != 2 {
			t.Fatalf("%d calls", w.callCount())
		}
		w.fail = nil
		w.mustGet(rolePlan(time.Hour, "audit"))
		if _, err := w.get(role); fault.KindOf(err) != fault.Refused || w.callCount() != 3 {
			t.Fatalf("not held off: %d calls, %v", w.callCount(), err)
		}
		time.Sleep(10 * time.Second)
		w.mustGet(plan(), Options{Refresh: true})
		w.mustGet(role)
	})
}

// TestStepThatWasNotLookedAt: AWS checks key and signature before the code, so that who corrects them
// need not wait for the next code.
func TestStepThatWasNotLookedAt(t *testing.T) {
	for name, test := range map[string]struct {
		result awsapi.Result
		free   bool
	}{
		"wrong secret":         {failure(awsapi.SecretWrong, awsapi.Answered, fault.Refused), true},
		"unknown key":          {failure(awsapi.KeyUnknown, awsapi.Answered, fault.Refused), true},
		"wrong time":           {failure(awsapi.ClockRefused, awsapi.Answered, fault.Clock), true},
		"no connection":        {failure(awsapi.Unreachable, awsapi.Unsent, fault.Network), true},
		"captive portal":       {failure(awsapi.Unreachable, awsapi.Unknown, fault.Network), false},
		"throttled":            {failure(awsapi.Throttled, awsapi.Answered, fault.Unavailable), false},
		"denied by a policy":   {failure(awsapi.Denied, awsapi.Answered, fault.Refused), false},
		"refused, no idea why": {failure(awsapi.Refused, awsapi.Answered, fault.Refused), false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.fail = func(n int, _ awsapi.Request) (awsapi.Result, bool) { return test.result, n == 1 }
				if _, err := w.get(plan()); err == nil {
					t.Fatal("no failure")
				}
				began := time.Now()
				w.mustGet(plan(), Options{Refresh: true})
				if waited := time.Since(began) > time.Second; waited == test.free {
					t.Errorf("waited %v", time.Since(began))
				}
			})
		})
	}
}

// TestInterruptedWait leaves everything as it was: no code was sent.
func TestInterruptedWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mustGet(plan())
		before := w.broker().Scope(plan().Target().Scope).Load()
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(errors.New("interrupted")) })
		_, _ = w.broker().Get(ctx, plan(), Options{Refresh: true})
		after := w.broker().Scope(plan().Target().Scope).Load()
		if len(after.Sent) != len(before.Sent) || len(after.Failures) != 0 {
			t.Errorf("%+v became %+v", before, after)
		}
		began := time.Now()
		w.mustGet(plan(), Options{Refresh: true})
		if waited := time.Since(began); waited > totp.Period {
			t.Errorf("waited %v", waited)
		}
	})
}

// TestClockCorrectedDuringAHoldOff: a clock may be set at any moment.
func TestClockCorrectedDuringAHoldOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.noDate, w.skew = true, 10*time.Minute
		for range 9 {
			if _, err := w.get(plan(), Options{Refresh: true}); fault.KindOf(err) != fault.Clock {
				t.Fatalf("got %v", err)
			}
		}
		w.skew = 0
		w.mustGet(plan())
		w.skew = 10 * time.Minute // slow again: the failure is ahead of it
		_, _ = w.get(plan(), Options{Refresh: true})
		time.Sleep(time.Minute)
		if _, err := w.get(plan(), Options{Refresh: true}); fault.KindOf(err) != fault.Clock {
			t.Errorf("got %v", err)
		}
	})
}

// TestRefusedStepsOfAnotherSeed: AWS has not seen the codes that a corrected seed has for them.
func TestRefusedStepsOfAnotherSeed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = always(1, failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused))
		if _, err := w.get(plan()); fault.KindOf(err) != fault.Refused || w.codes() != 2 {
			t.Fatalf("%d codes, %v", w.codes(), err)
		}
		w.fail, w.seed, w.steps = nil, otherSeed(t), nil
		began := time.Now()
		w.mustGet(plan())
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}
