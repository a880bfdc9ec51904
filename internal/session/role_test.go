package session

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

func TestRolesShareTheBaseSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var group sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "a", "b", "c"} {
			group.Go(func() {
				if _, err := w.get(rolePlan(time.Hour, name)); err != nil {
					t.Errorf("role %s: %v", name, err)
				}
			})
		}
		group.Wait()
		if w.codes() != 1 || w.callCount() != 4 {
			t.Errorf("%d codes in %d calls", w.codes(), w.callCount())
		}
		time.Sleep(45 * time.Minute)
		w.mustGet(rolePlan(time.Hour, "a"))
		if w.codes() != 1 || w.callCount() != 5 {
			t.Errorf("renewed with %d codes in %d calls", w.codes(), w.callCount())
		}
	})
}

func TestChainOfRoles(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mustGet(rolePlan(time.Hour, "a", "b"))
		if w.callCount() != 3 {
			t.Fatalf("%d calls", w.callCount())
		}
		if w.calls[1].Token.IsZero() || w.calls[1].Role.ARN != rolePlan(0, "a").Roles[0].ARN || w.calls[2].Role.ARN != rolePlan(0, "b").Roles[0].ARN {
			t.Errorf("calls %+v", w.calls)
		}
		w.mustGet(rolePlan(time.Hour, "a"))
		if w.callCount() != 3 {
			t.Error("the session in the middle was not shared")
		}
	})
}

func TestLongRoleSessionTakesItsOwnCode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mustGet(rolePlan(4*time.Hour, "a"))
		if w.callCount() != 1 || w.codes() != 1 || w.calls[0].Role == nil || !w.calls[0].Token.IsZero() {
			t.Errorf("calls %+v", w.calls)
		}
	})
}

// TestRefreshOfARoleReachesItsSource: the base session may be what AWS does not take any more.
func TestRefreshOfARoleReachesItsSource(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mustGet(rolePlan(time.Hour, "a"))
		time.Sleep(time.Minute)
		w.mustGet(rolePlan(time.Hour, "a"), Options{Refresh: true})
		if w.codes() != 2 || w.callCount() != 4 {
			t.Errorf("%d codes in %d calls", w.codes(), w.callCount())
		}
	})
}

func TestThrottledRoleIsTriedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = func(n int, _ awsapi.Request) (awsapi.Result, bool) {
			return failure(awsapi.Throttled, awsapi.Answered, fault.Unavailable), n == 2 || n == 3
		}
		w.mustGet(rolePlan(time.Hour, "a"))
		if w.callCount() != 4 {
			t.Errorf("%d calls", w.callCount())
		}
	})
}

func TestRefusedRoleHoldsOffAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = func(_ int, r awsapi.Request) (awsapi.Result, bool) {
			return failure(awsapi.Refused, awsapi.Answered, fault.Refused), r.Role != nil && r.Role.ARN == rolePlan(0, "a").Roles[0].ARN
		}
		for range 5 {
			if _, err := w.get(rolePlan(time.Hour, "a")); fault.KindOf(err) != fault.Refused {
				t.Errorf("got %v", err)
			}
		}
		if w.callCount() != 2 {
			t.Errorf("%d calls", w.callCount())
		}
		w.mustGet(rolePlan(time.Hour, "b"))
		w.mustGet(plan())
	})
}

func TestFailedBaseIsToldByTheRole(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = always(1, failure(awsapi.Refused, awsapi.Answered, fault.Refused))
		for range 3 {
			if _, err := w.get(rolePlan(time.Hour, "a")); fault.KindOf(err) != fault.Refused {
				t.Errorf("got %v", err)
			}
		}
		if w.callCount() != 1 {
			t.Errorf("%d calls", w.callCount())
		}
		for _, status := range w.broker().Status(rolePlan(time.Hour, "a")) {
			if status.Failure == nil {
				t.Errorf("no failure for %+v", status)
			}
		}
		w.broker().Forget(rolePlan(time.Hour, "a"))
		w.fail = nil
		time.Sleep(time.Minute)
		w.mustGet(rolePlan(time.Hour, "a"))
	})
}

// TestIDs holds that everything that changes which credentials come back changes
// the session's id, and that nothing collides.
func TestIDs(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	add := func(name string, p rules.Plan) {
		id := p.Target().ID
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s share an id", name, other)
		}
		seen[id] = name
	}
	add("base", plan())
	for name, change := range map[string]func(*rules.Plan){
		"partition": func(p *rules.Plan) { p.Partition = "aws-cn" },
		"endpoint":  func(p *rules.Plan) { p.Endpoint = "http://127.0.0.1:1" },
		"key":       func(p *rules.Plan) { p.AccessKeyID = "AKIAOTHER" },
		"serial":    func(p *rules.Plan) { p.Serial = "arn:aws:iam::123456789012:mfa/bob" },
		"duration":  func(p *rules.Plan) { p.Duration = time.Hour },
	} {
		p := plan()
		change(&p)
		add(name, p)
	}
	add("role", rolePlan(time.Hour, "a"))
	add("direct role", rolePlan(2*time.Hour, "a"))
	add("chain", rolePlan(time.Hour, "a", "b"))
	add("chain the other way", rolePlan(time.Hour, "b", "a"))
	for name, change := range map[string]func(*creds.Role){
		"arn":         func(h *creds.Role) { h.ARN += "x" },
		"name":        func(h *creds.Role) { h.SessionName += "x" },
		"external id": func(h *creds.Role) { h.ExternalID = "x" },
		"shorter":     func(h *creds.Role) { h.Duration = 30 * time.Minute },
		"shifted":     func(h *creds.Role) { h.ARN, h.SessionName = h.ARN+"a", h.SessionName[1:] },
	} {
		p := rolePlan(time.Hour, "a")
		change(&p.Roles[0])
		add("role: "+name, p)
	}
}

func TestCancelDuringBackOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mustGet(plan())
		w.fail = always(2, failure(awsapi.Throttled, awsapi.Answered, fault.Unavailable))
		cause := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
		if _, err := w.broker().Get(ctx, rolePlan(time.Hour, "a"), Options{}); !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
	})
}
