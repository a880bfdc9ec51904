package session

import (
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

func TestWindows(t *testing.T) {
	t.Parallel()
	minted := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		lifetime, left       time.Duration
		fresh, usable, valid bool
	}{
		{12 * time.Hour, 12 * time.Hour, true, true, true},
		{12 * time.Hour, 20*time.Minute + time.Second, true, true, true},
		{12 * time.Hour, 20 * time.Minute, false, true, true},
		{time.Hour, 20*time.Minute + time.Second, true, true, true},
		{time.Hour, 20 * time.Minute, false, true, true},
		{15 * time.Minute, 5*time.Minute + time.Second, true, true, true},
		{15 * time.Minute, 5 * time.Minute, false, true, true},
		{12 * time.Hour, 2*time.Minute + time.Second, false, true, true},
		{12 * time.Hour, 2 * time.Minute, false, false, true},
		{12 * time.Hour, time.Minute, false, false, true},
		{12 * time.Hour, time.Minute - time.Second, false, false, false},
		{12 * time.Hour, -time.Hour, false, false, false},
		{12 * time.Hour, 12*time.Hour + 4*time.Minute, true, true, true},
		{12 * time.Hour, 12*time.Hour + 6*time.Minute, true, true, false}, // the clock has jumped back
	} {
		s := creds.Session{Credentials: creds.Credentials{Expiration: minted.Add(test.lifetime)}, Minted: minted}
		now := s.Credentials.Expiration.Add(-test.left)
		if got := rules.Fresh(s, now); got != test.fresh {
			t.Errorf("%v of %v left: fresh = %v", test.left, test.lifetime, got)
		}
		if got := rules.Usable(s, now); got != test.usable {
			t.Errorf("%v of %v left: usable = %v", test.left, test.lifetime, got)
		}
		if got := rules.Valid(s, now); got != test.valid {
			t.Errorf("%v of %v left: valid = %v", test.left, test.lifetime, got)
		}
	}
}

// untilLeft sleeps until the 12 h session of plan has left to go.
func untilLeft(c creds.Credentials, left time.Duration) { time.Sleep(time.Until(c.Expiration) - left) }

func TestRefreshInsideTheWindow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.mustGet(plan())
		untilLeft(first, 19*time.Minute)
		if second := w.mustGet(plan()); second.AccessKeyID == first.AccessKeyID {
			t.Error("not refreshed")
		}
	})
}

func TestFailedRefreshServesTheOldSession(t *testing.T) {
	for name, result := range map[string]awsapi.Result{
		"unreachable": failure(awsapi.Unreachable, awsapi.Unsent, fault.Network),
		"lost":        failure(awsapi.Lost, awsapi.Unknown, fault.Network),
		"5xx":         failure(awsapi.ServerError, awsapi.Answered, fault.Unavailable),
		"refused":     failure(awsapi.Refused, awsapi.Answered, fault.Refused),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				first := w.mustGet(plan())
				untilLeft(first, 8*time.Minute)
				w.fail = always(2, result)
				began := time.Now()
				if second := w.mustGet(plan()); second.AccessKeyID != first.AccessKeyID {
					t.Error("not the old session")
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("took %v", took)
				}
				status := w.broker().Status(plan())[0]
				if status.Failure == nil || status.Failure.Kind != fault.KindOf(result.Err) || status.Expires != first.Expiration {
					t.Errorf("status %+v", status)
				}
				calls := w.callCount()
				w.mustGet(plan())
				if w.callCount() != calls {
					t.Error("tried again at once")
				}
				time.Sleep(31 * time.Second)
				w.mustGet(plan())
				if w.callCount() == calls && name != "refused" && name != "5xx" {
					t.Error("never tried again")
				}
				untilLeft(first, 119*time.Second)
				if _, err := w.get(plan()); err == nil {
					t.Error("served a session with less than two minutes left")
				}
			})
		})
	}
}

func TestRefreshThatHangsIsShort(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.mustGet(plan())
		untilLeft(first, 15*time.Minute)
		w.latency = time.Minute
		began := time.Now()
		w.mustGet(plan())
		if took := time.Since(began); took != refreshPatience {
			t.Errorf("took %v", took)
		}
		if status := w.broker().Status(plan())[0]; status.Failure == nil {
			t.Error("the failure is not remembered")
		}
		if w.mustGet(plan()); time.Since(began) != refreshPatience {
			t.Error("tried again at once")
		}
	})
}

func TestRefreshDoesNotWaitForTheLock(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.mustGet(plan())
		untilLeft(first, 15*time.Minute)
		w.locked[plan().Target().Scope] = true
		began := time.Now()
		if second := w.mustGet(plan()); second.AccessKeyID != first.AccessKeyID {
			t.Error("not the old session")
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %v", took)
		}
	})
}

func TestRefreshDoesNotWaitForTheNextStep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.mustGet(plan())
		untilLeft(first, 15*time.Minute)
		other := plan()
		other.Duration = time.Hour
		w.mustGet(other) // spends the step
		began := time.Now()
		if second := w.mustGet(plan()); second.AccessKeyID != first.AccessKeyID || time.Since(began) != 0 {
			t.Errorf("%s after %v", second.AccessKeyID, time.Since(began))
		}
	})
}

func TestRefreshOption(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.mustGet(plan())
		time.Sleep(time.Minute)
		second := w.mustGet(plan(), Options{Refresh: true})
		if second.AccessKeyID == first.AccessKeyID {
			t.Error("the cache was not ignored")
		}
		if third := w.mustGet(plan()); third.AccessKeyID != second.AccessKeyID {
			t.Error("the new session was not cached")
		}
		w.fail = always(3, failure(awsapi.Unreachable, awsapi.Unsent, fault.Network))
		if _, err := w.get(plan(), Options{Refresh: true}); fault.KindOf(err) != fault.Network {
			t.Errorf("got %v", err)
		}
	})
}
