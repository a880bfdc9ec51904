package session

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// other is one more device of the user: AWS's rules hold for each apart.
type other struct {
	serial  string
	seed    totp.Seed
	seedErr error
	steps   []totp.Step
	last    totp.Step
	deleted bool
}

func (w *world) other(serial string) *other {
	for _, o := range w.others {
		if o.serial == serial {
			return o
		}
	}
	return nil
}

// seeOther is see for another device than the first.
func (w *world) seeOther(o *other, r awsapi.Request, judged bool) bool {
	now := totp.StepAt(time.Now())
	step := now
	for _, near := range []totp.Step{now - 1, now + 1} {
		if o.seed.Code(near).Equal(r.Code) {
			step = near
		}
	}
	if slices.Contains(o.steps, step) {
		w.t.Errorf("the code of step %d of %s was sent twice", step, o.serial)
	}
	o.steps, w.steps = append(o.steps, step), append(w.steps, 0)
	if !judged || step <= o.last || o.deleted {
		return false
	}
	o.last = step
	return true
}

// pool gives the user n devices, and returns a plan for a session of so many hours.
func (w *world) pool(n int) func(hours int) rules.Plan {
	w.t.Helper()
	p := plan()
	for i := 2; i <= n; i++ {
		seed, err := totp.ParseSeed(strings.Repeat(string(rune('A'+i)), 32), totp.Policy{AllowWeak: true})
		if err != nil {
			w.t.Fatal(err)
		}
		o := &other{serial: fmt.Sprintf("%s-%d", serial, i), seed: seed}
		w.others, p.Others = append(w.others, o), append(p.Others, o.serial)
	}
	return func(hours int) rules.Plan {
		p := p
		p.Duration = time.Duration(hours) * time.Hour
		return p
	}
}

// all gets sessions at once and returns how many failed.
func (w *world) all(plans ...rules.Plan) (failed []error) {
	w.t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, p := range plans {
		group.Go(func() {
			if _, err := w.get(p); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	group.Wait()
	return failed
}

// serials returns the devices whose codes were sent, in order.
func (w *world) serials() (all []string) {
	for _, r := range w.calls {
		all = append(all, r.Serial)
	}
	return all
}

// TestPool has eight sessions come from eight devices, in the time of one call, and 16 in two time steps.
func TestPool(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hours := w.pool(8)
		var plans []rules.Plan
		for i := range 8 {
			plans = append(plans, hours(i+1))
		}
		began := time.Now()
		failed := w.all(append(plans, plans...)...)
		if took := time.Since(began); len(failed) != 0 || w.callCount() != 8 || took > time.Second {
			t.Errorf("%d calls in %v, failed: %v", w.callCount(), took, failed)
		}
		if used := slices.Compact(slices.Sorted(slices.Values(w.serials()))); len(used) != 8 {
			t.Errorf("devices %q", used)
		}
		failed = w.all(hours(9), hours(10), hours(11))
		if took := time.Since(began); len(failed) != 0 || w.callCount() != 11 || took > 31*time.Second {
			t.Errorf("%d calls in %v, failed: %v", w.callCount(), took, failed)
		}
	})
}

// TestPoolOfOneSession has many processes want one session: one call.
func TestPoolOfOneSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hours := w.pool(8)
		if failed := w.all(slices.Repeat([]rules.Plan{hours(12)}, 100)...); len(failed) != 0 || w.callCount() != 1 {
			t.Errorf("%d calls, failed: %v", w.callCount(), failed)
		}
	})
}

// TestPoolWithABadDevice has devices refused, and none the worse for it.
func TestPoolWithABadDevice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hours := w.pool(3)
		bad := w.other(serial + "-2")
		bad.deleted = true
		w.fail = func(_ int, r awsapi.Request) (awsapi.Result, bool) {
			return failure(awsapi.DeviceUnknown, awsapi.Answered, fault.Refused), r.Serial == bad.serial
		}
		begin := time.Now()
		for i := range 6 { // the first finds it out, and then it is left alone for a while
			w.mustGet(hours(i + 1))
		}
		first := w.serials()
		if n := len(slices.DeleteFunc(first, func(s string) bool { return s != bad.serial })); n < 1 || n > 3 || time.Since(begin) > 3*time.Minute {
			t.Errorf("%d codes of the bad device in %v", n, time.Since(begin))
		}
		name := rules.DeviceScope(bad.serial)
		if f, ok := w.records[name].Failures[name]; !ok || f.Kind != fault.Refused || f.Until.IsZero() {
			t.Errorf("noted: %+v", f)
		}
		w.fail = always(1, failure(awsapi.Denied, awsapi.Answered, fault.Refused))
		calls := w.callCount()
		if _, err := w.get(hours(20)); err == nil || w.callCount() != calls+1 {
			t.Errorf("%d calls for a denial: %v", w.callCount()-calls, err)
		}
	})
}

// TestPoolWithABareRecord leaves a device alone that AWS has refused, also where no key can seal what was refused.
func TestPoolWithABareRecord(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hours := w.pool(3)
		bad := w.other(serial + "-2")
		name := rules.DeviceScope(bad.serial)
		var r rules.Record
		r.Fail(name, rules.NewFailure(fault.New(fault.Refused, "sts", "", "refused"), time.Now()))
		w.records[name] = r.Bare()
		for i := range 3 {
			w.mustGet(hours(i + 1))
		}
		if slices.Contains(w.serials(), bad.serial) {
			t.Errorf("codes of %q were sent", w.serials())
		}
	})
}

// TestPoolAllBad has no get send more than two codes, and each device be held off.
func TestPoolAllBad(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hours := w.pool(4)
		w.fail = always(1, failure(awsapi.CodeRefused, awsapi.Answered, fault.Refused))
		for i, want := range []int{2, 4, 4, 4} {
			if _, err := w.get(hours(1)); fault.KindOf(err) != fault.Refused || w.callCount() != want {
				t.Errorf("get %d: %d calls, want %d: %v", i+1, w.callCount(), want, err)
			}
		}
		if _, err := w.get(hours(2)); fault.KindOf(err) != fault.Refused || w.callCount() != 4 {
			t.Errorf("another session: %d calls: %v", w.callCount(), err)
		}
		w.fail = nil
		w.broker().Forget(hours(1))
		time.Sleep(time.Minute)
		w.mustGet(hours(1))
	})
}

// TestPoolWithoutASeed passes a device over whose seed is missing, and says so if there is no other.
func TestPoolWithoutASeed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hours := w.pool(3)
		for _, o := range w.others {
			o.seedErr = fault.New(fault.NoSecret, "the seed of "+o.serial, "", "missing")
		}
		began := time.Now()
		w.mustGet(hours(1))
		w.mustGet(hours(2))
		if used := slices.Compact(w.serials()); len(used) != 1 || used[0] != serial || time.Since(began) > time.Minute {
			t.Errorf("devices %q in %v", used, time.Since(began))
		}
	})
}

// TestPoolWithAHeldDevice has a process that is suspended with a device hold up nobody.
func TestPoolWithAHeldDevice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hours := w.pool(2)
		w.locked[rules.DeviceScope(serial)] = true
		began := time.Now()
		w.mustGet(hours(1))
		if took := time.Since(began); took > time.Second || w.calls[0].Serial != serial+"-2" {
			t.Errorf("%v, with %s", took, w.calls[0].Serial)
		}
		w.locked[rules.DeviceScope(serial+"-2")] = true
		if _, err := w.get(hours(2)); fault.KindOf(err) != fault.Deadline || !strings.Contains(err.Error(), "holds its lock") {
			t.Errorf("both are held: %v", err)
		}
	})
}

// TestPoolSharesSessions: what one device has made is found with more of them, and by another start.
func TestPoolSharesSessions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.mustGet(plan())
		hours := w.pool(3)
		b := w.broker()
		b.Start = 2
		again, err := b.Get(t.Context(), hours(12), Options{})
		if err != nil || again != first {
			t.Errorf("another session: %v", err)
		}
		role := hours(12)
		role.Roles = []creds.Role{{ARN: "arn:aws:iam::123456789012:role/a", Duration: 2 * time.Hour}}
		if _, err := b.Get(t.Context(), role, Options{}); err != nil || w.calls[1].Serial != serial+"-3" {
			t.Errorf("it began with %s: %v", w.calls[1].Serial, err)
		}
	})
}
