package enroll

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// storeKey makes k the access key of the profile work.
func (s *stage) storeKey(k sandbox.Key) {
	s.t.Helper()
	s.must(s.items.PutAccessKey(s.t.Context(), "work", creds.AccessKey{ID: k.ID, Secret: creds.NewSecret(k.Secret)}))
	s.edit("work", func(own *edit.Own) { own.AccessKeyID, own.Store = k.ID, keystore.KindAge })
}

// enrolled is a machine an hour after an enrollment.
func enrolled(t *testing.T, adjust ...func(*sandbox.Options)) *stage {
	t.Helper()
	s := newStage(t, adjust...)
	s.enroll()
	s.clock.advance(time.Hour)
	s.lines, s.waits, s.effects = nil, nil, nil
	return s
}

// TestRotateDevice: the names take turns.
func TestRotateDevice(t *testing.T) {
	t.Parallel()
	s := enrolled(t, requireMFA)
	old := laptop
	for _, want := range []string{laptop + "-2", laptop} {
		result, err := s.manager().RotateDevice(t.Context(), DeviceOptions{})
		s.must(err)
		if result != (Result{User: "alice", Serial: want, Old: old, Devices: 1}) {
			t.Errorf("%+v", result)
		}
		s.works()
		s.onlyOnce()
		old = want
	}
	result, err := s.manager().RotateDevice(t.Context(), DeviceOptions{Name: "chosen"})
	s.must(err)
	if !strings.HasSuffix(result.Serial, "mfa/chosen") {
		t.Errorf("%+v", result)
	}
	s.works()
}

// TestOldDeviceStaysUntilTheNewOneWorks.
func TestOldDeviceStaysUntilTheNewOneWorks(t *testing.T) {
	t.Parallel()
	s := enrolled(t)
	s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "GetSessionToken", Message: "MultiFactorAuthentication failed with invalid MFA one time pass code.", Times: -1})
	_, err := s.manager().RotateDevice(t.Context(), DeviceOptions{})
	fails(t, err, fault.Refused)
	if serial := s.serial(); serial != laptop {
		t.Errorf("the profile has %s", serial)
	}
	s.ClearFaults()
	s.mints(laptop)
	result, err := s.manager().RotateDevice(t.Context(), DeviceOptions{})
	s.must(err)
	if !s.shown("Resuming") || result.Old != laptop {
		t.Errorf("%+v", result)
	}
	s.works()
}

// TestNoRoomForASecondDevice: a rotation needs one more than there is.
func TestNoRoomForASecondDevice(t *testing.T) {
	t.Parallel()
	s := enrolled(t)
	s.change(func(w *sandbox.World) {
		for i := range 7 {
			w.Devices = append(w.Devices, sandbox.Device{Serial: fmt.Sprintf("arn:aws:iam::123456789012:mfa/n%d", i), User: "alice"})
		}
	})
	_, err := s.manager().RotateDevice(t.Context(), DeviceOptions{})
	fails(t, err, fault.Refused, "8 MFA devices", "alice-build-7, n0")
	s.noJournal()
	s.mints(laptop)
}

// TestOldDeviceMayNotGo: the new one works, and the next run removes the old one.
func TestOldDeviceMayNotGo(t *testing.T) {
	t.Parallel()
	s := enrolled(t, func(o *sandbox.Options) { o.World.Users[0].Deny = map[string]string{"iam:DeactivateMFADevice": ""} })
	_, err := s.manager().RotateDevice(t.Context(), DeviceOptions{})
	fails(t, err, fault.Refused, "the new device is in use, but the old one could not be removed", "iam:DeactivateMFADevice")
	s.mints(laptop + "-2")
	s.mints(laptop)
	s.change(func(w *sandbox.World) { w.Users[0].Deny = nil })
	result, err := s.manager().RotateDevice(t.Context(), DeviceOptions{})
	s.must(err)
	if !s.shown("Resuming") || result.Serial != laptop+"-2" {
		t.Errorf("%+v", result)
	}
	s.works()
}

func TestNothingToRotate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, rotate := s.manager().RotateDevice(t.Context(), DeviceOptions{})
	_, remove := s.manager().RemoveDevice(t.Context(), "")
	for _, err := range []error{rotate, remove, s.manager().Resync(t.Context(), "")} {
		fails(t, err, fault.Config, "no MFA device", "it has no MFA device")
	}
	s.untouched()
}

// TestRemoveLastDevice asks first.
func TestRemoveLastDevice(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		adjust func(*sandbox.Options)
		asked  bool
		sure   bool
	}{
		"the only one":   {func(*sandbox.Options) {}, true, true},
		"one of two":     {func(o *sandbox.Options) { withPhone(o); o.AllowSecondDevice = true }, false, false},
		"nobody can say": {func(o *sandbox.Options) { o.World.Users[0].Deny = map[string]string{"iam:ListMFADevices": ""} }, true, false},
	} {
		s := enrolled(t, test.adjust)
		no := errors.New("no")
		asked := 0
		s.confirm = func(last LastDevice) error {
			asked++
			if last != (LastDevice{User: "alice", Serial: laptop, Sure: test.sure}) {
				t.Errorf("%s: %+v", name, last)
			}
			if asked == 1 {
				return no
			}
			return nil
		}
		_, err := s.manager().RemoveDevice(t.Context(), "")
		if errors.Is(err, no) != test.asked {
			t.Errorf("%s: %v", name, err)
		}
		if test.asked {
			s.works(phone)
			_, err = s.manager().RemoveDevice(t.Context(), laptop)
		}
		s.must(err)
		s.untouched(phone)
	}
}

// TestRemoveHardware: it cannot be deleted, only taken from the user.
func TestRemoveHardware(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *sandbox.Options) {
		withPhone(o)
		o.World.Devices = append(o.World.Devices, sandbox.Device{Serial: "GAHT12345678", User: "alice"})
	})
	_, err := s.manager().RemoveDevice(t.Context(), "GAHT12345678")
	s.must(err)
	world := s.World()
	if d := world.Device("GAHT12345678"); d == nil || d.User != "" {
		t.Errorf("%+v", d)
	}
}

// TestRotateKey from one key to the next, the seconds that AWS needs included.
func TestRotateKey(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{0, 30 * time.Second} {
		s := enrolled(t, requireMFA, func(o *sandbox.Options) { o.KeyDelay = delay })
		old := s.alice().Keys[0].ID
		result, err := s.manager().RotateKey(t.Context(), KeyOptions{})
		s.must(err)
		if result.Old != old || result.ID == old || result.Kept || s.shown("Resuming") {
			t.Errorf("%+v", result)
		}
		s.oneKey()
		s.onlyOnce()
	}
}

// TestTwoKeys: both are listed with their last use.
func TestTwoKeys(t *testing.T) {
	t.Parallel()
	s := enrolled(t)
	s.change(func(w *sandbox.World) {
		w.Users[0].Keys = append(w.Users[0].Keys, sandbox.Key{Inactive: true, LastUsed: sandbox.Use{Time: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), Service: "s3"}})
	})
	user := s.alice()
	_, err := s.manager().RotateKey(t.Context(), KeyOptions{})
	fails(t, err, fault.Refused, "user alice", "2 access keys", user.Keys[0].ID+" (active, last used", user.Keys[1].ID+" (inactive, last used 2026-02-0", "aws iam delete-access-key")
	if !is(err, awsapi.LimitExceeded) || len(s.alice().Keys) != 2 {
		t.Errorf("%v", err)
	}
	s.noJournal()
}

// TestOldKeyIsUsedByOthers: it is made inactive and kept; the next run deletes it, unless it was
// made active again.
func TestOldKeyIsUsedByOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options KeyOptions
		use     *sandbox.Use
		kept    bool
	}{
		"by a helper":     {KeyOptions{}, &sandbox.Use{Service: "sts"}, false},
		"by s3":           {KeyOptions{}, &sandbox.Use{Service: "s3"}, true},
		"by s3, all same": {KeyOptions{Delete: true}, &sandbox.Use{Service: "s3"}, false},
		"nobody knows":    {KeyOptions{}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := enrolled(t)
			s.setUse(test.use)
			old := s.alice().Keys[0].ID
			result, err := s.manager().RotateKey(t.Context(), test.options)
			s.must(err)
			if result.Kept != test.kept || test.kept && (result.Use == nil) != (test.use == nil) {
				t.Errorf("%+v", result)
			}
			if !test.kept {
				s.oneKey()
				return
			}
			if keys := s.alice().Keys; len(keys) != 2 || keys[0].ID != old || !keys[0].Inactive {
				t.Fatalf("%+v", keys)
			}
			s.change(func(w *sandbox.World) { w.Users[0].Keys[0].Inactive = false })
			_, err = s.manager().RotateKey(t.Context(), KeyOptions{})
			fails(t, err, fault.Refused, old, "activated again", "--delete")
			s.change(func(w *sandbox.World) { w.Users[0].Keys[0].Inactive = true })
			result, err = s.manager().RotateKey(t.Context(), KeyOptions{})
			s.must(err)
			if !s.shown("Resuming") || result.Kept || result.Old != old {
				t.Errorf("%+v", result)
			}
			s.oneKey()
		})
	}
}

// setUse has AWS tell this use of a key whenever it is asked, as AWS tells it hours late.
func (s *stage) setUse(use *sandbox.Use) {
	s.change(func(w *sandbox.World) {
		if use == nil {
			w.Users[0].Deny = map[string]string{"iam:GetAccessKeyLastUsed": ""}
		}
	})
	if use == nil {
		return
	}
	s.inject(sandbox.Fault{Kind: sandbox.Rewrite, Action: "GetAccessKeyLastUsed", Times: -1, Rewrite: func(b []byte) []byte {
		text := string(b)
		before, _, _ := strings.Cut(text, "<ServiceName>")
		_, after, _ := strings.Cut(text, "</ServiceName>")
		return []byte(before + "<ServiceName>" + use.Service + "</ServiceName>" + after)
	}})
}

// TestKeyStaysAsItWas: where the new key cannot be used, it goes and the old one stays.
func TestKeyStaysAsItWas(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*stage)
		kind    fault.Kind
	}{
		"the store is full": {func(s *stage) {
			s.broken = func(name string) error {
				if strings.HasPrefix(name, "write newkey:") {
					return fault.New(fault.Filesystem, "store", "", "full")
				}
				return nil
			}
		}, fault.Filesystem},
		"never known": {func(s *stage) {
			s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "GetCallerIdentity", Code: "InvalidClientTokenId", Message: "invalid", Skip: 1, Times: -1})
		}, fault.Refused},
		"makes no session": {func(s *stage) {
			s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "GetSessionToken", Message: "MultiFactorAuthentication failed, unable to validate MFA code.", Times: -1})
		}, fault.Refused},
		"not allowed": {func(s *stage) {
			s.change(func(w *sandbox.World) { w.Users[0].Deny = map[string]string{"iam:CreateAccessKey": ""} })
		}, fault.Refused},
	} {
		s := enrolled(t)
		old := s.alice().Keys[0].ID
		test.prepare(s)
		_, err := s.manager().RotateKey(t.Context(), KeyOptions{})
		if err == nil || fault.KindOf(err) != test.kind {
			t.Errorf("%s: %v", name, err)
		}
		s.broken = nil
		s.ClearFaults()
		if keys := s.alice().Keys; len(keys) != 1 || keys[0].ID != old || keys[0].Inactive || len(s.files("newkey")) != 0 {
			t.Errorf("%s: %+v", name, keys)
		}
		s.noJournal()
		s.mints(laptop)
	}
}

// TestKeyLostAnswers: whatever answer is lost, the run ends well, and no key is left over.
func TestKeyLostAnswers(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"CreateAccessKey", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey", "GetAccessKeyLastUsed", "GetCallerIdentity", "GetSessionToken"} {
		for _, kind := range []sandbox.Kind{sandbox.ResetAfter, sandbox.Truncate, sandbox.ResetBefore, sandbox.InternalFailure, sandbox.Throttle} {
			t.Run(action+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				s := enrolled(t)
				s.inject(sandbox.Fault{Kind: kind, Action: action})
				_, err := s.manager().RotateKey(t.Context(), KeyOptions{})
				s.must(err)
				s.oneKey()
				s.onlyOnce()
			})
		}
	}
}

// TestKeyWithoutDevice is proven by its identity.
func TestKeyWithoutDevice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, err := s.manager().RotateKey(t.Context(), KeyOptions{})
	s.must(err)
	if keys := s.alice().Keys; len(keys) != 1 || s.calls()["GetSessionToken"] != 0 {
		t.Errorf("%+v", keys)
	}
	s.noJournal()
}

// TestNewKeyGone: a new key whose secret the store has lost is deleted, and made anew.
func TestNewKeyGone(t *testing.T) {
	t.Parallel()
	for _, phase := range []Phase{Stored, Proven} {
		s := enrolled(t)
		s.before = func(effect string, _ bool) {
			if effect == "journal written: "+string(phase) {
				panic(killed{})
			}
		}
		s.dies(0, func(m *Manager) { _, _ = m.RotateKey(t.Context(), KeyOptions{}) })
		s.before = nil
		if e, _, err := s.manager().Unfinished(AccessKey); err != nil || e.Phase != phase {
			t.Fatalf("%+v, %v", e, err)
		}
		s.must(s.items.Store.Delete(t.Context(), keystore.NewKeyName("work")))
		_, err := s.manager().RotateKey(t.Context(), KeyOptions{})
		s.must(err)
		s.oneKey()
	}
}

// TestKeyOfSomebodyElse: a key that the user has made since an earlier run died is not taken for
// the one whose secret was lost.
func TestKeyOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		later time.Duration
		used  bool
		kept  bool
	}{
		"made days later":         {50 * time.Hour, false, true},
		"made soon, and used":     {5 * time.Minute, true, true},
		"made soon, but not used": {time.Minute, false, false},
	} {
		s := enrolled(t)
		s.before = func(effect string, _ bool) {
			if effect == "CreateAccessKey" {
				panic(killed{})
			}
		}
		s.dies(0, func(m *Manager) { _, _ = m.RotateKey(t.Context(), KeyOptions{}) })
		s.before = nil
		s.clock.advance(test.later)
		s.change(func(w *sandbox.World) {
			w.Users[0].Keys = append(w.Users[0].Keys, sandbox.Key{})
			if test.used {
				w.Users[0].Keys[1].LastUsed = sandbox.Use{Time: s.Now(), Service: "s3"}
			}
		})
		keys := s.alice().Keys
		_, err := s.manager().RotateKey(t.Context(), KeyOptions{})
		if !test.kept {
			s.must(err)
			s.oneKey()
			continue
		}
		fails(t, err, fault.Refused, "2 access keys", keys[1].ID)
		if got := s.alice().Keys; len(got) != 2 || got[1].ID != keys[1].ID {
			t.Errorf("%s: %+v", name, got)
		}
		s.noJournal()
	}
}

// TestForeignKey: a key in the slot that is somebody else's is not taken.
func TestForeignKey(t *testing.T) {
	t.Parallel()
	s := enrolled(t)
	m := s.manager()
	identify := m.Identify
	m.Identify = func(ctx context.Context, key creds.AccessKey) (awsapi.Identity, error) {
		who, err := identify(ctx, key)
		if key.ID != "" {
			who.ARN = "arn:aws:iam::123456789012:user/mallory"
		}
		return who, err
	}
	_, err := m.RotateKey(t.Context(), KeyOptions{})
	fails(t, err, fault.Refused, "user/mallory")
	if keys := s.alice().Keys; len(keys) != 1 {
		t.Errorf("%+v", keys)
	}
	s.noJournal()
}

func TestDescribeKey(t *testing.T) {
	t.Parallel()
	k := awsapi.Key{ID: "AKIA1", Active: true}
	for want, use := range map[string]*awsapi.KeyUse{"AKIA1 (active)": nil, "AKIA1 (active, never used)": {}} {
		if got := describe(k, use); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestResumedRotationHasMFA takes up a rotation that died when the device had been made: its codes are
// not spent on a call that AWS denies for want of MFA.
func TestResumedRotationHasMFA(t *testing.T) {
	t.Parallel()
	for n, side := range []string{"before", "after"} {
		s := newStage(t)
		s.enroll()
		s.clock.advance(time.Hour)
		rotate := func(m *Manager) { _, _ = m.RotateDevice(t.Context(), DeviceOptions{}) }
		s.before = func(effect string, done bool) {
			if effect == "CreateVirtualMFADevice" && done == (n == 1) {
				s.dieAt = len(s.effects) + 1
			}
		}
		if !s.dies(0, rotate) {
			t.Fatalf("%s: it lives", side)
		}
		s.before, s.lines, s.waits = nil, nil, nil
		rotate(s.manager())
		if denied := s.State().Count("EnableMFADevice").Refused; denied != 0 {
			t.Errorf("%s: %d calls refused", side, denied)
		}
		if len(s.waits) > 0 {
			t.Fatalf("%s: waits %v", side, s.waits)
		}
		s.works()
	}
}
