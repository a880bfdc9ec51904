package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestNoPlaceForTheRecord has nothing be stored. Where the kernel knows which codes were sent, a get works, one
// more in the same time step fails at once, and one in the next works again; where it does not, none sends a code.
// AWS (world) sees to it that no code is sent twice.
func TestNoPlaceForTheRecord(t *testing.T) {
	for name, kernel := range map[string]error{"kernel knows": nil, "nobody knows": errors.ErrUnsupported} {
		inWorld2(t, name, func(t *testing.T, w *world) {
			w.mustGet(plan()) // by a process whose disk works
			w.diskErr, w.kernel = fault.New(fault.Filesystem, "/home/me/.cache", "set AWS_MFA_CREDS_HOME", "read-only file system"), kernel
			time.Sleep(totp.Period)
			for n := range 3 {
				want := 1
				if kernel == nil {
					w.mustGet(plan(), Options{Refresh: true})
					want = n + 2
				}
				began := time.Now()
				_, err := w.get(plan(), Options{Refresh: true})
				if fault.KindOf(err) != fault.Filesystem || !strings.Contains(fault.Text(err), "/home/me/.cache: read-only file system") ||
					fault.Remedy(err) != "set AWS_MFA_CREDS_HOME" || time.Since(began) > time.Second || w.codes() != want {
					t.Errorf("%d codes after %v: %v", w.codes(), time.Since(began), fault.Line(err))
				}
				time.Sleep(totp.Period)
			}
		})
	}
}

// TestEverythingIsRemoved removes locks, records and sessions while a code is under way: many more gets send no
// code of the same time step, and get the session of the first.
func TestEverythingIsRemoved(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.latency = 5 * time.Second
		var crowd sync.WaitGroup
		for range 20 {
			crowd.Go(func() { w.mustGet(plan()) })
		}
		for range 4 {
			time.Sleep(time.Second)
			w.mu.Lock()
			clear(w.locked)
			clear(w.records)
			w.mu.Unlock()
			crowd.Go(func() { w.mustGet(plan()) })
		}
		began := time.Now()
		crowd.Wait()
		if w.codes() != 1 || time.Since(began) > 3*time.Second {
			t.Errorf("%d codes, %v", w.codes(), time.Since(began))
		}
	})
}

// TestProgramRepeatsItself has the program print what it printed before: no code is sent twice (world
// would tell), and one that never prints another is an error.
func TestProgramRepeatsItself(t *testing.T) {
	for name, test := range map[string]struct {
		repeats time.Duration // how long the program prints one code
		ok      bool
	}{"for one time step more": {totp.Period * 3 / 2, true}, "for ever": {time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				first, began := totp.StepAt(time.Now()), time.Now()
				w.program = func(context.Context, totp.Step) (creds.Secret, error) {
					if time.Since(began) < test.repeats {
						return w.seed.Code(first), nil
					}
					return w.seed.Code(totp.StepAt(time.Now())), nil
				}
				w.mustGet(plan())
				time.Sleep(totp.Period)
				_, err := w.get(plan(), Options{Refresh: true})
				if (err == nil) != test.ok || err != nil && (fault.KindOf(err) != fault.Deadline || !strings.Contains(fault.Line(err), "mfa_process")) {
					t.Errorf("got %v", err)
				}
				if want := map[bool]int{true: 2, false: 1}[test.ok]; w.codes() != want {
					t.Errorf("%d codes", w.codes())
				}
			})
		})
	}
}

// TestRepeatedCodeAfterAFailure: a code that was certainly not judged may be sent again.
func TestRepeatedCodeAfterAFailure(t *testing.T) {
	for _, kind := range []awsapi.Kind{awsapi.Unreachable, awsapi.CodeOutOfDate} {
		inWorld2(t, kind.String(), func(t *testing.T, w *world) {
			w.program = func(context.Context, totp.Step) (creds.Secret, error) {
				return w.seed.Code(totp.StepAt(time.Now())), nil
			}
			w.fail = func(n int, _ awsapi.Request) (awsapi.Result, bool) {
				return failure(kind, awsapi.Unsent, fault.Network), n == 1
			}
			_, _ = w.get(plan())
			began := time.Now()
			w.mustGet(plan())
			if time.Since(began) > totp.Period/2 {
				t.Errorf("waited %v", time.Since(began))
			}
		})
	}
}

func inWorld2(t *testing.T, name string, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { inWorld(t, test) })
}

// TestCodesTakenByOthers has a device whose codes have worked here be refused: others use it. Where nothing
// has ever worked, or it goes on for long, the seed may be wrong.
func TestCodesTakenByOthers(t *testing.T) {
	for name, worked := range map[string]bool{"after a success": true, "first of all": false} {
		inWorld2(t, name, func(t *testing.T, w *world) {
			if worked {
				w.mustGet(plan())
				time.Sleep(time.Minute)
			}
			w.fail = always(1, failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused))
			for run := range maxTaken + 1 {
				want := fault.Refused
				if worked && run < maxTaken {
					want = fault.Deadline
				}
				_, err := w.get(plan(), Options{Refresh: true})
				if fault.KindOf(err) != want || want == fault.Deadline && !strings.Contains(fault.Line(err), "an MFA device of its own") {
					t.Errorf("run %d: %v", run, err)
				}
				time.Sleep(time.Minute)
			}
		})
	}
}

// stuckScope is a scope whose lock a process holds for ever.
type stuckScope struct {
	*scope
	pid       int
	suspended bool
}

func (s stuckScope) TryLock() (func(), bool, error) { return nil, false, nil }
func (s stuckScope) Holder() (int, string, bool)    { return s.pid, "aws-mfa-creds get", s.suspended }

func TestLockIsHeldForEver(t *testing.T) {
	for name, test := range map[string]struct {
		scope stuckScope
		want  []string
	}{
		"suspended": {stuckScope{pid: 4711, suspended: true}, []string{"process 4711 (aws-mfa-creds get), which is suspended", "kill -CONT 4711"}},
		"slow":      {stuckScope{pid: 4711}, []string{"process 4711 (aws-mfa-creds get)", "try again"}},
		"unknown":   {stuckScope{}, []string{"another process", "pkill -CONT"}},
	} {
		inWorld2(t, name, func(t *testing.T, w *world) {
			b := w.broker()
			b.Scope = func(name string) Scope { test.scope.scope = &scope{w, name}; return test.scope }
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
			defer cancel()
			_, err := b.Get(ctx, plan(), Options{})
			if fault.KindOf(err) != fault.Deadline || !errors.Is(err, ErrWaiting) {
				t.Errorf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(fault.Line(err), want) {
					t.Errorf("no %q in %q", want, fault.Line(err))
				}
			}
			if got := b.Status(plan())[0].Stuck; (got != nil) != test.scope.suspended {
				t.Errorf("Status: %v", got)
			}
		})
	}
}
