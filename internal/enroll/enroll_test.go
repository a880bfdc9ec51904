package enroll

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

var here = DeviceOptions{Host: "build-7.example.org"}

func (s *stage) enroll() Result {
	s.t.Helper()
	result, err := s.manager().Enroll(s.t.Context(), here)
	s.must(err)
	return result
}

// works fails unless the profile has a device that makes sessions, and everything that
// belongs to it and nothing else is in IAM, in the store and in the journal. others are the
// devices that are none of the profile's business.
func (s *stage) works(others ...string) {
	s.t.Helper()
	serial := s.serial()
	s.noJournal()
	world := s.World()
	devices := 0
	for _, d := range world.Devices {
		if slices.Contains(others, d.Serial) {
			continue
		}
		if d.Serial != serial || d.User != "alice" || d.OutOfSync {
			s.t.Errorf("IAM has %+v beside %s", d.Serial, serial)
		}
		seed, err := s.itemsIn(s.own("work").WhereSeed()).Seed(s.t.Context(), d.Serial)
		if err != nil || seed.Base32().Reveal() != d.Seed {
			s.t.Errorf("%s: its seed is lost (%v)", d.Serial, err)
		}
		devices++
	}
	if devices != 1 {
		s.t.Errorf("%d devices", devices)
	}
	if seeds := s.files("seed"); len(seeds) != 1 {
		s.t.Errorf("seeds %v", seeds)
	}
	s.mints(serial)
}

// mints fails unless the stored key and the device make a session, some time later.
func (s *stage) mints(serial string) {
	s.t.Helper()
	key, err := s.items.AccessKey(s.t.Context(), "work")
	s.must(err)
	s.clock.advance(3 * totp.Period)
	broker := s.broker(key, serial)
	if _, err := broker.Get(s.t.Context(), plan(key, serial), session.Options{Refresh: true}); err != nil {
		s.t.Errorf("no session: %v", err)
	}
}

func (s *stage) noJournal() {
	s.t.Helper()
	for _, about := range []Subject{Device, AccessKey} {
		if e, unfinished, err := s.manager().Unfinished(about); err != nil || unfinished {
			s.t.Errorf("journal: %+v, %v", e, err)
		}
	}
}

// onlyOnce fails if a code was sent twice.
func (s *stage) onlyOnce() {
	s.t.Helper()
	if repeated := s.State().Repeated(); len(repeated) != 0 {
		s.t.Errorf("codes sent twice: %+v", repeated)
	}
}

func (s *stage) calls() map[string]int {
	n := make(map[string]int)
	for action, count := range s.State().Actions {
		n[action] = count.Calls
	}
	return n
}

// shown reports whether a line of progress begins so.
func (s *stage) shown(begin string) bool {
	return slices.ContainsFunc(s.lines, func(line string) bool { return strings.HasPrefix(line, begin) })
}

// TestEnroll is what happens nearly always: six calls, and no wait before the device is
// enabled.
func TestEnroll(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	before := s.clock.now()
	var enabled time.Duration
	s.before = func(effect string, done bool) {
		if effect == "EnableMFADevice" && done {
			enabled = s.clock.now().Sub(before)
		}
	}
	result := s.enroll()
	if result != (Result{User: "alice", Serial: laptop, Devices: 1}) {
		t.Errorf("%+v", result)
	}
	if enabled != 0 {
		t.Errorf("enabled after %s", enabled)
	}
	want := map[string]int{"GetCallerIdentity": 1, "ListMFADevices": 1, "ListVirtualMFADevices": 1, "CreateVirtualMFADevice": 1, "EnableMFADevice": 1, "GetSessionToken": 1}
	if got := s.calls(); len(got) != len(want) || got["EnableMFADevice"] != 1 || got["GetSessionToken"] != 1 {
		t.Errorf("calls: %v", got)
	}
	lines := []string{"Creating MFA device alice-build-7 in IAM", "Storing the seed of " + laptop, "Enabling " + laptop, "Getting a session with " + laptop}
	if !slices.Equal(s.lines, lines) {
		t.Errorf("progress: %q", s.lines)
	}
	s.works()
	s.onlyOnce()
}

// TestEnrollOrder: the seed is safe before the device is enabled, and the journal always knows
// more than IAM.
func TestEnrollOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.before = func(effect string, done bool) {
		if spent := s.cache.Scope(rules.DeviceScope(laptop)).Load().Sent; effect == "EnableMFADevice" && !done && len(spent) != 2 {
			t.Errorf("spent before the codes leave: %v", spent)
		}
	}
	s.enroll()
	want := []string{
		"GetCallerIdentity", "ListMFADevices", "ListVirtualMFADevices", "journal written: creating", "CreateVirtualMFADevice", "write seed:" + laptop,
		"journal written: stored", "EnableMFADevice", "journal written: enabled", "settings written", "Prove", "journal cleared",
	}
	if got := slices.Compact(s.effects); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestPastStepRefused: the second pair is the next step and the one after, sent after one wait
// with a countdown.
func TestPastStepRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *sandbox.Options) { o.RefusePastStep = true })
	before := s.clock.now()
	s.enroll()
	attempts := s.State().Attempts
	now := int64(totp.StepAt(before))
	var steps []int64
	for _, a := range attempts {
		steps = append(steps, a.Step)
	}
	if !slices.Equal(steps, []int64{now - 1, now, now + 1, now + 2, now + 3}) {
		t.Errorf("steps %v, now %d", steps, now)
	}
	left := s.waits
	if end := slices.Index(left, 0); end != 25 || left[0] != 26*time.Second || left[24] != 2*time.Second {
		t.Errorf("countdown %v", left)
	}
	s.works()
	s.onlyOnce()
}

// TestEdgesOfAStep begins at each second of a time step: the pair is always in time.
func TestEdgesOfAStep(t *testing.T) {
	t.Parallel()
	for second := range 30 {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprint(second, strict), func(t *testing.T) {
				s := newStage(t, inClear, func(o *sandbox.Options) { o.RefusePastStep = strict })
				s.clock.advance(time.Duration(second)*time.Second + 900*time.Millisecond)
				s.enroll()
				s.works()
				if sent := s.calls()["EnableMFADevice"]; sent > 2 || !strict && sent > 1 {
					t.Errorf("%d pairs", sent)
				}
			})
		}
	}
}

// TestSlowDelivery: a pair that is too late to be sent is replaced by a later one.
func TestSlowDelivery(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.before = func(effect string, done bool) {
		if effect == "EnableMFADevice" && !done {
			s.clock.advance(40 * time.Second)
			s.before = nil
		}
	}
	s.enroll()
	s.works()
	s.onlyOnce()
}

// TestClockIsOff by hours: the codes are those of AWS's time.
func TestClockIsOff(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-26 * time.Hour, -90 * time.Second, 40 * time.Second, 3 * time.Hour} {
		s := newStage(t)
		s.SetClockOffset(off)
		s.enroll()
		s.works()
		s.onlyOnce()
	}
}

// TestNewDeviceNotKnownYet: STS may need some time.
func TestNewDeviceNotKnownYet(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{8 * time.Second, 50 * time.Second} {
		s := newStage(t, func(o *sandbox.Options) { o.DeviceDelay = delay })
		s.enroll()
		s.works()
		s.onlyOnce()
	}
}

// TestOutOfSync: AWS enables a device whose codes come late, and refuses its codes until a
// resync.
func TestOutOfSync(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.before = func(effect string, done bool) {
		if effect == "EnableMFADevice" && done {
			s.change(func(w *sandbox.World) { w.Device(laptop).OutOfSync = true })
		}
	}
	s.enroll()
	if s.calls()["ResyncMFADevice"] != 1 || !s.shown("Resynchronizing "+laptop) {
		t.Errorf("calls %v", s.calls())
	}
	s.works()
	s.onlyOnce()
}

// TestLostAnswers: whatever answer is lost, the run ends well, and nothing is left over.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"GetCallerIdentity", "ListMFADevices", "CreateVirtualMFADevice", "EnableMFADevice", "GetSessionToken"} {
		for _, kind := range []sandbox.Kind{
			sandbox.ResetAfter, sandbox.Truncate, sandbox.ResetBefore, sandbox.InternalFailure, sandbox.Unavailable, sandbox.Throttle, sandbox.TooManyRequests,
		} {
			t.Run(action+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				s.inject(sandbox.Fault{Kind: kind, Action: action})
				s.enroll()
				s.works()
				s.onlyOnce()
			})
		}
	}
}

// TestSecondDevice needs a session of the first, which is not this machine's.
func TestSecondDevice(t *testing.T) {
	t.Parallel()
	s := newStage(t, withPhone, requireMFA)
	s.phone = true
	s.enroll()
	s.works(phone)
	s.onlyOnce()
}

// TestProfileHasDevice: another one takes its place only once it is proven.
func TestProfileHasDevice(t *testing.T) {
	t.Parallel()
	s := newStage(t, requireMFA)
	s.enroll()
	s.clock.advance(time.Hour)
	s.before = func(effect string, _ bool) {
		if serial := s.serial(); effect == "Prove" && serial != laptop {
			t.Errorf("before the proof the profile has %s", serial)
		}
	}
	result, err := s.manager().Enroll(t.Context(), DeviceOptions{Name: "spare"})
	s.must(err)
	if serial := s.serial(); serial != result.Serial || result.Serial == laptop {
		t.Errorf("%+v, the profile has %s", result, serial)
	}
	s.mints(laptop)
	s.mints(result.Serial)
}

// TestStore: a seed that cannot be stored undoes the device.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.broken = func(name string) error {
		if strings.HasPrefix(name, "write seed:") {
			return context.DeadlineExceeded
		}
		return nil
	}
	if _, err := s.manager().Enroll(t.Context(), here); err == nil {
		t.Error("no error")
	}
	world := s.World()
	if len(world.Devices) != 0 || len(s.files("seed")) != 0 {
		t.Errorf("left over: %v, %v", world.Devices, s.files("seed"))
	}
	s.noJournal()
	s.broken = nil
	s.enroll()
	s.works()
}

// TestResync: a device that AWS does not follow any more.
func TestResync(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		s := newStage(t, func(o *sandbox.Options) { o.RefusePastStep = strict })
		s.enroll()
		s.change(func(w *sandbox.World) { w.Device(laptop).OutOfSync = true })
		s.must(s.manager().Resync(t.Context(), ""))
		s.works()
	}
	s := newStage(t)
	s.enroll()
	s.inject(sandbox.Fault{Kind: sandbox.ResetAfter, Action: "ResyncMFADevice"})
	s.must(s.manager().Resync(t.Context(), laptop))
	s.works()
	s.onlyOnce()
}

// TestNoSecretInTheJournal looks at every version of it.
func TestNoSecretInTheJournal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	secret := s.alice().Keys[0].Secret
	seen := 0
	s.before = func(string, bool) {
		texts := s.journals()
		seen += len(texts)
		world := s.World()
		hidden := []string{secret}
		for _, d := range world.Devices {
			hidden = append(hidden, d.Seed, creds.NewSecret(d.Seed).Reveal()[:16])
		}
		for _, h := range hidden {
			if strings.Contains(strings.Join(texts, "\n"), h) {
				t.Error("the journal has a secret")
			}
		}
	}
	s.enroll()
	if seen == 0 {
		t.Error("no journal was seen")
	}
}
