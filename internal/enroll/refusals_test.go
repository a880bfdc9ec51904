package enroll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// fails fails the test unless err has the kind, and all parts in its line.
func fails(t *testing.T, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	line := fault.Line(err)
	t.Log(line)
	if fault.KindOf(err) != kind {
		t.Errorf("exit code %d, want %d", fault.KindOf(err), kind)
	}
	for _, part := range parts {
		if !strings.Contains(line, part) {
			t.Errorf("the line lacks %q", part)
		}
	}
	if strings.Contains(line, "...") {
		t.Error("the line is cut")
	}
}

// untouched fails if anything of the enrollment is left in IAM, in the store, in the settings or
// in the journal, beside the devices others.
func (s *stage) untouched(others ...string) {
	s.t.Helper()
	world := s.World()
	for _, d := range world.Devices {
		if !slices.Contains(others, d.Serial) {
			s.t.Errorf("IAM has %s", d.Serial)
		}
	}
	if seeds := s.files("seed"); len(seeds) != 0 {
		s.t.Errorf("the store has %v", seeds)
	}
	if serial := s.serial(); serial != "" {
		s.t.Errorf("the profile has %q", serial)
	}
	s.noJournal()
}

func (s *stage) enrollFails() error {
	s.t.Helper()
	_, err := s.manager().Enroll(s.t.Context(), here)
	return err
}

// TestRoot has no API to enroll with.
func TestRoot(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *sandbox.Options) {
		o.World.Users = []sandbox.User{{Name: "alice"}, {Name: sandbox.RootUser, Keys: []sandbox.Key{{}}}}
		o.World.Users[0].Keys = []sandbox.Key{{}}
	})
	world := s.World()
	root := world.User(sandbox.RootUser).Keys[0]
	s.storeKey(root)
	fails(t, s.enrollFails(), fault.Config, "root user", "enroll --console")
	fails(t, refuseCaller(awsapi.Identity{ARN: "arn:aws:sts::123456789012:assumed-role/x/y"}), fault.Config, "not an IAM user")
	s.untouched()
}

// TestNameTaken: who has the device of that name is named, and it stays.
func TestNameTaken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		owner string
		part  string
	}{
		"by an orphan":         {"", "--replace-unassigned"},
		"by the user":          {"alice", "enabled for user alice already"},
		"by somebody else":     {"bob", "enabled for user bob"},
		"by who, is a secret":  {"bob", "the account has a virtual MFA device of that name"},
		"by bob, and replaced": {"bob", "enabled for user bob"},
	} {
		s := newStage(t, func(o *sandbox.Options) {
			o.World.Users = append(o.World.Users, sandbox.User{Name: "bob"})
			o.World.Devices = []sandbox.Device{{Serial: laptop, User: test.owner}}
			o.AllowSecondDevice = true
			if strings.Contains(name, "secret") {
				o.World.Users[0].Deny = map[string]string{"iam:ListVirtualMFADevices": ""}
			}
		})
		o := here
		o.ReplaceUnassigned = strings.Contains(name, "replaced")
		_, err := s.manager().Enroll(t.Context(), o)
		fails(t, err, fault.Refused, "MFA device alice-build-7", "--device-name alice-build-7", test.part)
		s.untouched(laptop)
	}
}

func TestReplaceUnassigned(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *sandbox.Options) { o.World.Devices = []sandbox.Device{{Serial: laptop}} })
	_, err := s.manager().Enroll(t.Context(), DeviceOptions{Name: "alice-build-7", ReplaceUnassigned: true})
	s.must(err)
	s.works()
}

// TestEnrollAgain: what is there and works is found to work.
func TestEnrollAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t, requireMFA)
	s.enroll()
	s.clock.advance(time.Hour)
	s.edit("work", func(own *edit.Own) { own.Serial = "" }) // even if that is lost
	if result := s.enroll(); result.Serial != laptop {
		t.Errorf("%+v", result)
	}
	s.works()
}

// TestEnrollAgainWithAnotherSeed: a seed that does not fit is no reason to go on for ever.
func TestEnrollAgainWithAnotherSeed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.enroll()
	s.change(func(w *sandbox.World) { w.Device(laptop).Seed = "" })
	s.clock.advance(time.Hour)
	fails(t, s.enrollFails(), fault.Refused, laptop)
	s.noJournal()
}

// TestEightDevices are listed, and AWS is not asked to make a ninth.
func TestEightDevices(t *testing.T) {
	t.Parallel()
	eight := func(o *sandbox.Options) {
		for i := range 8 {
			o.World.Devices = append(o.World.Devices, sandbox.Device{Serial: fmt.Sprintf("arn:aws:iam::123456789012:mfa/alice-computer-%d", i), User: "alice"})
		}
	}
	s := newStage(t, eight)
	err := s.enrollFails()
	fails(t, err, fault.Refused, "8 MFA devices", "alice-computer-0, alice-computer-1", "alice-computer-7")
	if !is(err, awsapi.LimitExceeded) || s.calls()["CreateVirtualMFADevice"] != 0 {
		t.Errorf("%v, %v", err, s.calls())
	}
	// The eighth comes while the ninth is enrolled.
	s = newStage(t)
	s.before = func(effect string, done bool) {
		if effect == "CreateVirtualMFADevice" && done {
			s.change(func(w *sandbox.World) {
				o := sandbox.Options{World: *w}
				eight(&o)
				*w = o.World
			})
		}
	}
	err = s.enrollFails()
	fails(t, err, fault.Refused, "8 MFA devices", "alice-computer-7")
	world := s.World()
	if len(world.Devices) != 8 || len(s.files("seed")) != 0 {
		t.Errorf("left over: %d devices, %v", len(world.Devices), s.files("seed"))
	}
	s.noJournal()
}

// TestDenied: the action is named, and nothing is left.
func TestDenied(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"CreateVirtualMFADevice", "EnableMFADevice"} {
		s := newStage(t, func(o *sandbox.Options) { o.World.Users[0].Deny = map[string]string{"iam:" + action: ""} })
		err := s.enrollFails()
		fails(t, err, fault.Refused, "iam:"+action, "administrator")
		if _, wanted := errors.AsType[*MFAError](err); wanted {
			t.Error("a user without a device is asked for a session with MFA")
		}
		s.untouched()
	}
}

// TestSessionWanted: a user who has a device needs a session of it, and there is none.
func TestSessionWanted(t *testing.T) {
	t.Parallel()
	s := newStage(t, withPhone)
	err := s.enrollFails()
	fails(t, err, fault.Refused, "iam:EnableMFADevice", "session")
	if _, wanted := errors.AsType[*MFAError](err); !wanted || !is(err, awsapi.Denied) {
		t.Errorf("a %T", err)
	}
	s.untouched(phone)
	s.phone = true
	s.enroll()
	s.works(phone)
}

// TestSessionWantedAndNotUndone: where only a session may delete, the device and its seed stay
// for the next run, which has one.
func TestSessionWantedAndNotUndone(t *testing.T) {
	t.Parallel()
	s := newStage(t, withPhone, requireMFA)
	if _, wanted := errors.AsType[*MFAError](s.enrollFails()); !wanted {
		t.Error("no session is wanted")
	}
	if !s.shown(laptop+" could not be removed") || len(s.files("seed")) != 1 {
		t.Errorf("%q, %v", s.lines, s.files("seed"))
	}
	s.phone = true
	if s.enroll(); !s.shown("Resuming") {
		t.Error("not resumed")
	}
	if got := s.calls()["CreateVirtualMFADevice"]; got != 1 {
		t.Errorf("%d devices made", got)
	}
	s.works(phone)
}

// TestDialFails: what keeps a session away is told, unless there is just none.
func TestDialFails(t *testing.T) {
	t.Parallel()
	s := newStage(t, withPhone)
	m := s.manager()
	locked := fault.New(fault.Store, "keyring", "", "locked")
	m.Dial = func(ctx context.Context, withMFA bool) (IAM, error) {
		if withMFA {
			return nil, locked
		}
		return s.dial(ctx, withMFA)
	}
	if _, err := m.Enroll(t.Context(), here); !errors.Is(err, locked) {
		t.Errorf("%v", err)
	}
	s.untouched(phone)
}

// TestNamedLikeTheUser: the default name gives way to the one that the policy allows;
// one that was asked for does not.
func TestNamedLikeTheUser(t *testing.T) {
	t.Parallel()
	own := func(o *sandbox.Options) { o.World.Users[0].OwnDeviceName = true }
	s := newStage(t, own)
	if got := s.enroll().Serial; got != "arn:aws:iam::123456789012:mfa/alice" {
		t.Errorf("serial %s", got)
	}
	s.works()
	s = newStage(t, own)
	_, err := s.manager().Enroll(t.Context(), DeviceOptions{Name: "mine"})
	fails(t, err, fault.Refused, "iam:CreateVirtualMFADevice", "--device-name alice")
	s.untouched()
}

// TestCodesRefused twice: the device goes again.
func TestCodesRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "EnableMFADevice", Code: "InvalidAuthenticationCode", Message: "Authentication code for device is not valid.", Times: 2})
	fails(t, s.enrollFails(), fault.Refused, laptop, "refused the two token codes")
	s.untouched()
	s.onlyOnce()
}

// TestBusy: IAM asks for a little patience.
func TestBusy(t *testing.T) {
	t.Parallel()
	for action, times := range map[string]int{"CreateVirtualMFADevice": 3, "EnableMFADevice": 2} {
		s := newStage(t)
		s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: action, Status: 409, Code: "EntityTemporarilyUnmodifiable", Message: "busy", Times: times})
		s.enroll()
		s.works()
		s.onlyOnce()
	}
	// IAM does not know the device that it has just made.
	s := newStage(t)
	s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "EnableMFADevice", Status: 404, Code: "NoSuchEntity", Message: "does not exist"})
	s.enroll()
	s.works()
}

// TestFaultsThatStay end the run, and the next one goes on.
func TestFaultsThatStay(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"CreateVirtualMFADevice", "EnableMFADevice", "GetSessionToken"} {
		for kind, code := range map[sandbox.Kind]fault.Kind{
			sandbox.Throttle: fault.Unavailable, sandbox.InternalFailure: fault.Unavailable, sandbox.ResetAfter: fault.Network, sandbox.Portal: fault.Network,
		} {
			t.Run(action+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				s.inject(sandbox.Fault{Kind: kind, Action: action, Times: -1})
				err := s.enrollFails()
				if action == "EnableMFADevice" && kind == sandbox.ResetAfter {
					code = fault.Internal // it was enabled nevertheless
				}
				if err != nil {
					fails(t, err, code)
				} else if code != fault.Internal {
					t.Error("no error")
				}
				s.ClearFaults()
				if code != fault.Internal {
					s.enroll()
				}
				s.works()
				s.onlyOnce()
			})
		}
	}
}

// TestUnfinished: one flow does not run over another, nor one user over another.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.diesAt("EnableMFADevice", false, func(m *Manager) { _ = enrolling(m, s) })
	_, err := s.manager().RotateDevice(t.Context(), DeviceOptions{})
	fails(t, err, fault.Config, `"enroll" was started`, "aws-mfa-creds enroll --profile NAME")
	s.change(func(w *sandbox.World) { w.Users = append(w.Users, sandbox.User{Name: "bob", Keys: []sandbox.Key{{}}}) })
	world := s.World()
	s.storeKey(world.User("bob").Keys[0])
	fails(t, s.enrollFails(), fault.Config, "user/alice", "user/bob")
	e, _, err := s.manager().Unfinished(Device)
	s.must(err)
	if e.Serial != laptop || e.Flow != FlowEnroll {
		t.Errorf("%+v", e)
	}
	s.must(s.manager().Abandon(Device))
	s.noJournal()
}

// TestOneAtATime: two processes do not change one profile at once.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	m := s.manager()
	unlock, err := s.manager().lock()
	if err != nil {
		t.Fatal(err)
	}
	_, enroll := m.Enroll(t.Context(), here)
	abandon := m.Abandon(Device)
	for _, err := range []error{enroll, abandon, m.Resync(t.Context(), laptop)} {
		fails(t, err, fault.Deadline, "another process")
	}
	unlock()
	s.untouched()
}

// TestSeedGone: what the store has lost is made anew, unless it is enabled.
func TestSeedGone(t *testing.T) {
	t.Parallel()
	for _, enabled := range []bool{false, true} {
		s := newStage(t)
		name := "EnableMFADevice"
		s.before = func(effect string, done bool) {
			if effect == name && done == enabled {
				panic(killed{})
			}
		}
		s.dies(0, func(m *Manager) { _ = enrolling(m, s) })
		s.before = nil
		s.must(s.items.DeleteSeed(t.Context(), laptop))
		if enabled {
			fails(t, s.enrollFails(), fault.NoSecret, laptop, "aws iam deactivate-mfa-device --user-name alice")
			continue
		}
		s.enroll()
		s.works()
	}
}

// TestDeviceGone: what somebody has deleted meanwhile is made anew.
func TestDeviceGone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.before = func(effect string, _ bool) {
		if effect == "EnableMFADevice" {
			panic(killed{})
		}
	}
	s.dies(0, func(m *Manager) { _ = enrolling(m, s) })
	s.before = nil
	s.change(func(w *sandbox.World) { w.Devices = nil })
	s.dies(0, func(m *Manager) { s.must(enrolling(m, s)) })
	s.works()
	s.onlyOnce()
}

// TestDeviceSeemsGone: it only is not known everywhere yet, and must not become an orphan.
func TestDeviceSeemsGone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.before = func(effect string, _ bool) {
		if effect == "EnableMFADevice" {
			panic(killed{})
		}
	}
	s.dies(0, func(m *Manager) { _ = enrolling(m, s) })
	s.before = nil
	s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "EnableMFADevice", Status: 404, Code: "NoSuchEntity", Message: "does not exist"})
	s.enroll()
	s.works()
	s.onlyOnce()
}

// TestAnotherNameNextTime: the device of the first name is removed in the end.
func TestAnotherNameNextTime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.before = func(effect string, done bool) {
		if effect == "CreateVirtualMFADevice" && done {
			panic(killed{})
		}
	}
	s.dies(0, func(m *Manager) { _ = enrolling(m, s) })
	s.before = nil
	result, err := s.manager().Enroll(t.Context(), DeviceOptions{Name: "mine"})
	s.must(err)
	if result.Serial != "arn:aws:iam::123456789012:mfa/mine" {
		t.Errorf("%+v", result)
	}
	s.works()
}

// TestOrphanStays: one that nobody here may delete is told, and does not keep the rest from
// working.
func TestOrphanStays(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *sandbox.Options) { o.World.Users[0].Deny = map[string]string{"iam:DeleteVirtualMFADevice": ""} })
	s.before = func(effect string, done bool) {
		if effect == "CreateVirtualMFADevice" && done {
			panic(killed{})
		}
	}
	s.dies(0, func(m *Manager) { _ = enrolling(m, s) })
	s.before = nil
	s.enroll()
	if !s.shown(laptop + " is not enabled for anyone") {
		t.Errorf("%q", s.lines)
	}
	s.works(laptop)
}
