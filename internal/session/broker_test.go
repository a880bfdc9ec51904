package session

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

func TestColdThenWarm(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.mustGet(plan())
		time.Sleep(11 * time.Hour)
		second := w.mustGet(plan())
		if first.AccessKeyID != second.AccessKeyID || w.callCount() != 1 {
			t.Errorf("%s then %s with %d calls", first.AccessKeyID, second.AccessKeyID, w.callCount())
		}
	})
}

func TestManyProcessesShareOneCall(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var failed atomic.Int32
		var group sync.WaitGroup
		for range 500 {
			group.Go(func() {
				if _, err := w.get(plan()); err != nil {
					failed.Add(1)
				}
			})
		}
		group.Wait()
		if failed.Load() != 0 || w.callCount() != 1 {
			t.Errorf("%d failed, %d calls", failed.Load(), w.callCount())
		}
	})
}

func TestManyProcessesShareOneFailure(t *testing.T) {
	for _, verdict := range []awsapi.Result{
		failure(awsapi.Unreachable, awsapi.Unsent, fault.Network),
		failure(awsapi.Throttled, awsapi.Answered, fault.Unavailable),
		failure(awsapi.Refused, awsapi.Answered, fault.Refused),
	} {
		t.Run(awsapi.KindOf(verdict.Err).String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.fail = func(int, awsapi.Request) (awsapi.Result, bool) {
					time.Sleep(time.Second)
					return verdict, true
				}
				var group sync.WaitGroup
				for range 50 {
					group.Go(func() {
						if _, err := w.get(plan()); fault.KindOf(err) != fault.KindOf(verdict.Err) {
							t.Errorf("got %v", err)
						}
					})
				}
				group.Wait()
				if w.callCount() != 1 {
					t.Errorf("%d calls", w.callCount())
				}
			})
		})
	}
}

func TestTwoSessionsInOneTimeStep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		other := plan()
		other.Duration = time.Hour
		w.mustGet(plan())
		began := time.Now()
		w.mustGet(other)
		if waited := time.Since(began); waited < 25*time.Second || waited > 31*time.Second {
			t.Errorf("waited %v", waited)
		}
		if w.codes() != 2 {
			t.Errorf("%d codes", w.codes())
		}
	})
}

func TestThirdSessionInOneTimeStepFailsAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var group sync.WaitGroup
		var failed atomic.Int32
		for i := range 3 {
			group.Go(func() {
				p := plan()
				p.Duration = time.Duration(i+1) * time.Hour
				if _, err := w.get(p); fault.KindOf(err) == fault.Deadline {
					failed.Add(1)
				} else if err != nil {
					t.Errorf("got %v", err)
				}
			})
		}
		group.Wait()
		if failed.Load() != 1 || w.codes() != 2 {
			t.Errorf("%d failed, %d codes", failed.Load(), w.codes())
		}
	})
}

func TestStepAboutToEndIsNotUsed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		time.Sleep(27500 * time.Millisecond) // 1.5 s are left
		before := totp.StepAt(time.Now())
		w.mustGet(plan())
		if w.steps[0] != before+1 {
			t.Errorf("used step %d at the end of step %d", w.steps[0], before)
		}
	})
}

func TestClockOffByHours(t *testing.T) {
	for _, skew := range []time.Duration{-3 * time.Hour, 3 * time.Hour, -45 * time.Second, 70 * time.Second, 26 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.skew = skew
				w.mustGet(plan())
				if w.codes() > 2 {
					t.Errorf("%d codes for the first session", w.codes())
				}
				calls := w.callCount()
				time.Sleep(30 * time.Second) // a clock that is fast may have spent the next step
				other := plan()
				other.Duration = time.Hour
				w.mustGet(other)
				if w.callCount() != calls+1 {
					t.Errorf("%d more calls for the second session", w.callCount()-calls)
				}
				time.Sleep(35 * time.Minute)
				w.mustGet(other)
				if w.callCount() != calls+1 {
					t.Error("a good session was not served by corrected time")
				}
				time.Sleep(10 * time.Minute)
				w.mustGet(other)
				if w.callCount() != calls+2 {
					t.Error("an old session was served by corrected time")
				}
			})
		})
	}
}

// TestClockOffByYears: what is measured once serves from then on.
func TestClockOffByYears(t *testing.T) {
	for name, shows := range map[string]time.Time{
		"no battery":       time.Date(1970, 1, 1, 0, 0, 42, 0, time.UTC),
		"built in 2001":    time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC),
		"beyond 2038":      time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
		"a century ahead":  time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC),
		"four years ahead": time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.skew = time.Since(shows)
				w.mustGet(plan())
				if w.callCount() != 2 {
					t.Errorf("%d calls", w.callCount())
				}
				time.Sleep(time.Minute)
				w.mustGet(plan(), Options{Refresh: true})
				if w.callCount() != 3 {
					t.Errorf("%d calls in all", w.callCount())
				}
			})
		})
	}
}

// TestClockThatCannotBe: nothing is sent for a time that has no time step, and nothing is shown.
func TestClockThatCannotBe(t *testing.T) {
	for name, shows := range map[string]time.Time{
		"before 1970":  time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC),
		"before 1901":  time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC),
		"a dead clock": time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		"after 2100":   time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				right := w.skew
				w.skew = time.Since(shows)
				if _, _, _, err := w.broker().CurrentStep(serial); fault.KindOf(err) != fault.Clock {
					t.Errorf("a code is shown: %v", err)
				}
				if shows.Unix() >= 0 {
					return
				}
				if _, err := w.get(plan()); fault.KindOf(err) != fault.Clock || w.callCount() != 0 {
					t.Errorf("%d calls, %v", w.callCount(), err)
				}
				w.skew = right
				w.mustGet(plan()) // at once
			})
		})
	}
}

// TestClockPoisoned: no answer and no file can put the clock where it stays wrong.
func TestClockPoisoned(t *testing.T) {
	far := time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, poison := range map[string]func(w *world){
		"answer of 1960": func(w *world) { w.answers(time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"answer of 2090": func(w *world) { w.answers(far) },
		"answer of 9999": func(w *world) { w.answers(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"stored: 2090":   func(w *world) { w.clock = rules.Clock{Skew: time.Until(far), Measured: far} },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				poison(w)
				w.fail = nil
				time.Sleep(time.Minute) // of a hold-off
				w.mustGet(plan(), Options{Refresh: true})
				if off := w.broker().begin(plan()).now().Sub(w.local().Add(w.skew)).Abs(); off > time.Second {
					t.Errorf("the clock stays off by %v", off)
				}
			})
		})
	}
}

// answers has one get refused with the date server, and learns from that.
func (w *world) answers(server time.Time) {
	w.fail = func(int, awsapi.Request) (awsapi.Result, bool) {
		result := failure(awsapi.Refused, awsapi.Answered, fault.Refused)
		result.ServerTime, result.LocalTime = server, w.local()
		return result, true
	}
	_, _ = w.get(plan())
}

func TestClockSetRightAfterCorrection(t *testing.T) {
	for _, skew := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.skew = skew
				w.mustGet(plan())
				w.skew = 0
				codes := w.codes()
				time.Sleep(time.Minute)
				w.mustGet(plan(), Options{Refresh: true})
				if more := w.codes() - codes; more > 2 {
					t.Errorf("%d codes after the clock was set right", more)
				}
			})
		})
	}
}

func TestClockCorrectionWithoutADisk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.skew, w.diskErr = 3*time.Hour, errors.New("read-only")
		w.mustGet(plan())
		if w.callCount() != 2 {
			t.Errorf("%d calls", w.callCount())
		}
	})
}

func TestLostAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = func(n int, _ awsapi.Request) (awsapi.Result, bool) {
			return failure(awsapi.Lost, awsapi.Unknown, fault.Network), n == 1
		}
		w.mustGet(plan())
		if w.codes() != 2 || w.steps[1] != w.steps[0]+1 {
			t.Errorf("steps %v", w.steps)
		}
	})
}

func TestCodeSpentByAnotherMachine(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.last = totp.StepAt(time.Now())
		w.mustGet(plan())
		if w.codes() != 2 {
			t.Errorf("steps %v", w.steps)
		}
	})
}

// TestSecondCodeIsSpread has the first code refused: which later step is used is chosen at random among those that
// begin in time. Where the clock was the cause, or the device is nobody else's, it is the next one.
func TestSecondCodeIsSpread(t *testing.T) {
	for name, test := range map[string]struct {
		into, skew time.Duration // into a time step; AWS's clock minus the machine's
		random     float64
		opts       Options
		want       totp.Step
	}{
		"early":              {3 * time.Second, 0, 0.99, Options{}, 1},
		"too late for three": {15 * time.Second, 0, 0.99, Options{}, 1},
		"one half":           {18 * time.Second, 0, 0.49, Options{}, 1},
		"the other half":     {18 * time.Second, 0, 0.5, Options{}, 2},
		"at the end":         {27 * time.Second, 0, 0.99, Options{}, 2},
		"wrong clock":        {18 * time.Second, time.Minute, 0.99, Options{}, 2}, // its first one was two steps old
		"clock is well":      {18 * time.Second, 5 * time.Second, 0.99, Options{}, 2},
		"new device":         {18 * time.Second, 0, 0.99, Options{Ahead: true}, 1},
	} {
		inWorld2(t, name, func(t *testing.T, w *world) {
			time.Sleep(test.into - time.Second)
			w.skew = test.skew
			first := totp.StepAt(w.local())
			w.last = first
			b := w.broker()
			b.Random = func() float64 { return test.random }
			ctx, cancel := context.WithTimeout(t.Context(), Deadline)
			defer cancel()
			if _, err := b.Get(ctx, plan(), test.opts); err != nil {
				t.Fatal(err)
			}
			if len(w.steps) != 2 || w.steps[1]-first != test.want {
				t.Errorf("step %d, then %v", first, w.steps)
			}
		})
	}
}

// TestSessionThatAnotherProcessHasCached has the code refused because another process has sent it:
// somebody has removed the lock and the record of it. Its session serves both.
func TestSessionThatAnotherProcessHasCached(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = func(int, awsapi.Request) (awsapi.Result, bool) {
			other := creds.Credentials{AccessKeyID: "ASIAOTHER", Expiration: time.Now().Add(12 * time.Hour)}
			_ = w.Put(plan().Target().ID, creds.Session{Credentials: other, Minted: time.Now()})
			return failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused), true
		}
		if got := w.mustGet(plan()); got.AccessKeyID != "ASIAOTHER" || w.codes() != 1 {
			t.Errorf("session %s after %d codes", got.AccessKeyID, w.codes())
		}
	})
}

func TestWrongSeedStopsAfterTwoCodesAndHoldsOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		refused := failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused)
		w.fail = always(1, refused)
		if _, err := w.get(plan()); fault.KindOf(err) != fault.Refused {
			t.Fatalf("got %v", err)
		}
		if w.codes() != 2 {
			t.Fatalf("%d codes", w.codes())
		}
		for range 20 {
			if _, err := w.get(plan()); fault.KindOf(err) != fault.Refused {
				t.Fatalf("held off: got %v", err)
			}
		}
		if w.codes() != 2 {
			t.Errorf("%d codes while held off", w.codes())
		}
		time.Sleep(31 * time.Second)
		_, _ = w.get(plan())
		if w.codes() != 4 {
			t.Errorf("%d codes after the hold-off", w.codes())
		}
		time.Sleep(31 * time.Second) // the second hold-off is a minute
		_, _ = w.get(plan())
		if w.codes() != 4 {
			t.Errorf("the hold-off does not grow: %d codes", w.codes())
		}
		w.fail = nil
		w.mustGet(plan(), Options{Refresh: true})
		w.mustGet(plan())
	})
}

func TestNothingElseIsTriedAgain(t *testing.T) {
	for name, result := range map[string]awsapi.Result{
		"refused":     failure(awsapi.Refused, awsapi.Answered, fault.Refused),
		"throttled":   failure(awsapi.Throttled, awsapi.Answered, fault.Unavailable),
		"unreachable": failure(awsapi.Unreachable, awsapi.Unsent, fault.Network),
		"portal":      failure(awsapi.Unreachable, awsapi.Unknown, fault.Network),
		"clock":       failure(awsapi.ClockRefused, awsapi.Answered, fault.Clock),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.fail = always(1, result)
				if _, err := w.get(plan()); err == nil || w.callCount() != 1 {
					t.Errorf("%d calls, %v", w.callCount(), err)
				}
			})
		})
	}
}

func TestUnsentCodeIsFree(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = func(n int, _ awsapi.Request) (awsapi.Result, bool) {
			return failure(awsapi.Unreachable, awsapi.Unsent, fault.Network), n == 1
		}
		if _, err := w.get(plan()); fault.KindOf(err) != fault.Network {
			t.Fatalf("got %v", err)
		}
		began := time.Now()
		w.mustGet(plan())
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("waited %v for a step that was free", waited)
		}
	})
}

func TestCodeOutOfDateIsReplaced(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = func(n int, r awsapi.Request) (awsapi.Result, bool) {
			if n > 1 {
				return awsapi.Result{}, false
			}
			time.Sleep(time.Until(r.CodeExpires) + time.Second)
			return failure(awsapi.CodeOutOfDate, awsapi.Unsent, fault.Network), true
		}
		w.mustGet(plan())
		if w.codes() != 1 || w.callCount() != 2 {
			t.Errorf("%d codes in %d calls", w.codes(), w.callCount())
		}
	})
}

func TestStoreFailure(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.secrets = fault.New(fault.Store, "keyring", "unlock it", "locked")
		if _, err := w.get(plan()); fault.KindOf(err) != fault.Store || w.callCount() != 0 {
			t.Errorf("%d calls, %v", w.callCount(), err)
		}
		w.secrets, w.seedErr = nil, w.secrets
		if _, err := w.get(plan()); fault.KindOf(err) != fault.Store || w.callCount() != 0 {
			t.Errorf("seed: %d calls, %v", w.callCount(), err)
		}
		w.seedErr = nil
		w.mustGet(plan()) // no hold-off: it may have been unlocked
	})
}

func TestNoDisk(t *testing.T) {
	inWorld(t, func(_ *testing.T, w *world) {
		w.diskErr = errors.New("no space left on device")
		w.mustGet(plan())
	})
}

func TestCancelWhileWaiting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mustGet(plan())
		other := plan()
		other.Duration = time.Hour
		cause := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(cause) })
		began := time.Now()
		if _, err := w.broker().Get(ctx, other, Options{}); !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("stopped after %v", took)
		}
	})
}

func TestCancelWhileWaitingForTheSecondCode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = always(1, failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused))
		cause := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(cause) })
		if _, err := w.broker().Get(ctx, plan(), Options{}); !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCancelDuringTheCall(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.latency = time.Minute
		cause := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, err := w.broker().Get(ctx, plan(), Options{}); !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
		for _, r := range w.records {
			if len(r.Failures) != 0 {
				t.Error("an interrupt was remembered as a failure")
			}
		}
		w.latency = 0
		w.mustGet(plan()) // the code in flight counts as spent: world checks
	})
}

func TestDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for name := range map[string]bool{plan().Target().Scope: true} {
			w.locked[name] = true // by a process that never ends
		}
		began := time.Now()
		_, err := w.get(plan())
		if fault.KindOf(err) != fault.Deadline {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 50*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestAnswerWithoutADate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.noDate = true
		first := w.mustGet(plan())
		time.Sleep(11 * time.Hour)
		if again := w.mustGet(plan()); again != first {
			t.Error("the session was not served from the cache")
		}
	})
}

func TestCurrentStep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.skew = 3 * time.Hour
		if step, _, spent, err := w.broker().CurrentStep(serial); step != totp.StepAt(w.local()) || spent || err != nil {
			t.Errorf("before: step %d, spent %v, %v", step, spent, err)
		}
		w.mustGet(plan()) // learns the time and spends a step
		step, left, spent, err := w.broker().CurrentStep(serial)
		if step != totp.StepAt(time.Now()) || !spent || err != nil {
			t.Errorf("after: step %d, spent %v, %v", step, spent, err)
		}
		if off := (left - time.Until(step.End())).Abs(); off > time.Second {
			t.Errorf("what is left is off by %v", off)
		}
	})
}

// TestForgetLeavesWhatIsUnderWay: who holds the lock is about to settle the failure.
func TestForgetLeavesWhatIsUnderWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = always(1, failure(awsapi.Refused, awsapi.Answered, fault.Refused))
		_, _ = w.get(plan())
		w.locked[rules.DeviceScope(plan().Serial)] = true
		if ids := w.broker().Forget(plan()); len(ids) != 1 || w.broker().Status(plan())[0].Failure == nil {
			t.Errorf("forgot under somebody's lock: %v", ids)
		}
		w.locked[rules.DeviceScope(plan().Serial)] = false
		w.broker().Forget(plan())
		if w.broker().Status(plan())[0].Failure != nil {
			t.Error("did not forget")
		}
	})
}

// TestKilledWhileWaitingForTheSecondCode: a consumer that kills its helper after five seconds must
// not make it send a wrong code every half minute.
func TestKilledWhileWaitingForTheSecondCode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fail = always(1, failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused))
		for range 4 {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(5*time.Second, func() { cancel(errors.New("killed")) })
			_, _ = w.broker().Get(ctx, plan(), Options{})
			time.Sleep(2 * time.Second)
		}
		if w.codes() != 1 {
			t.Errorf("%d codes", w.codes())
		}
		if status := w.broker().Status(plan())[0]; status.Failure == nil || status.Failure.Count != 1 {
			t.Errorf("remembered: %+v", status.Failure)
		}
	})
}

func TestNoCodeWithoutTimeForItsAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), minTimeToSend-time.Second)
		defer cancel()
		if _, err := w.broker().Get(ctx, plan(), Options{}); fault.KindOf(err) != fault.Deadline || w.codes() != 0 {
			t.Errorf("%d codes, %v", w.codes(), err)
		}
	})
}

// TestOneDeviceBehindTwoEndpoints: the codes are the device's, however STS is reached.
func TestOneDeviceBehindTwoEndpoints(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mustGet(plan())
		other := plan()
		other.Endpoint = "https://vpce.example.com"
		w.mustGet(other)
		if w.codes() != 2 {
			t.Errorf("%d codes", w.codes())
		}
	})
}

// TestRefusedForItsTimeBlocksNothing: the signature is checked before the code.
func TestRefusedForItsTimeBlocksNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.skew = -6 * time.Minute // this machine is fast
		w.mustGet(plan())
		time.Sleep(5*time.Minute + 30*time.Second)
		began := time.Now()
		w.mustGet(plan(), Options{Refresh: true})
		if waited := time.Since(began); waited > 31*time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}
