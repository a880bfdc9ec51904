package session

import (
	"context"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
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
