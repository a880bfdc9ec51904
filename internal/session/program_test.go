package session

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestProgramMakesCodes has the codes come from a program that looks at a clock of its own.
func TestProgramMakesCodes(t *testing.T) {
	for name, slow := range map[string]time.Duration{"at once": 0, "a touch": 4 * time.Second, "over the end of a step": 29 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				runs := 0
				w.program = func(context.Context, totp.Step) (creds.Secret, error) {
					runs++
					if runs == 1 {
						time.Sleep(slow)
					}
					return w.seed.Code(totp.StepAt(time.Now())), nil
				}
				w.mustGet(plan())
				if w.codes() != 1 {
					t.Errorf("%d codes sent", w.codes())
				}
				if want := 1 + int(slow/(29*time.Second)); runs != want {
					t.Errorf("the program ran %d times, not %d", runs, want)
				}
			})
		})
	}
}

// TestProgramFails sends nothing, and leaves the time step to the next process.
func TestProgramFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		bad := fault.New(fault.NoSecret, "mfa_process", "", "ended with exit code 1")
		w.program = func(context.Context, totp.Step) (creds.Secret, error) { return creds.Secret{}, bad }
		if _, err := w.get(plan()); fault.KindOf(err) != fault.NoSecret {
			t.Errorf("got %v", err)
		}
		before := time.Now()
		w.program = nil
		w.mustGet(plan())
		if w.codes() != 1 || time.Since(before) >= totp.Period/2 {
			t.Errorf("%d codes, after %v", w.codes(), time.Since(before))
		}
	})
}

// TestAhead proves a device whose current code has just been used, without waiting where AWS takes
// a code before its time, and after one step more where it does not.
func TestAhead(t *testing.T) {
	for name, strict := range map[string]bool{"AWS bears it": false, "AWS does not": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.mustGet(plan())
				time.Sleep(totp.Period / 2) // the second next step begins before the run has to end
				began := time.Now()
				w.fail = func(_ int, r awsapi.Request) (awsapi.Result, bool) {
					step, _ := w.stepOf(r.Code)
					return failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused), strict && step > totp.StepAt(time.Now())
				}
				w.mustGet(plan(), Options{Refresh: true, Ahead: true})
				want := totp.Step(1)
				if strict {
					want = 2
				}
				last := w.steps[len(w.steps)-1]
				if last-w.steps[0] != want || totp.StepAt(began)+want != last {
					t.Errorf("steps %v", w.steps)
				}
				if waited := time.Since(began); (waited > totp.Period) != strict {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}

// TestTwoStepsAhead proves a device whose current and next codes have just been used: the one after
// is sent during the next time step, not in its own.
func TestTwoStepsAhead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mustGet(plan())
		w.mustGet(plan(), Options{Refresh: true, Ahead: true})
		time.Sleep(totp.Period / 2) // the next time step begins before the run has to end
		w.mustGet(plan(), Options{Refresh: true, Ahead: true})
		first, sentAt := w.steps[0], totp.StepAt(time.Now())
		if !slices.Equal(w.steps, []totp.Step{first, first + 1, first + 2}) || sentAt != first+1 {
			t.Errorf("steps %v, the last one sent in %d", w.steps, sentAt)
		}
		if into := time.Since(sentAt.Start()); into < rules.ClockNoise {
			t.Errorf("sent %v into the step before its own", into)
		}
	})
}
