package enroll

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// share gives the profile other a copy of the access key.
func (s *stage) share() {
	s.t.Helper()
	key, err := s.items.AccessKey(s.t.Context(), "work")
	s.must(err)
	s.must(s.items.PutAccessKey(s.t.Context(), "other", key))
	s.edit("other", func(own *edit.Own) { own.AccessKeyID, own.Store = key.ID, keystore.KindAge })
}

// beforeCreateKey is a rotation that died when it was about to make the key, and a key that the user
// has got since.
func beforeCreateKey(t *testing.T) (s *stage, since string) {
	t.Helper()
	s = enrolled(t)
	s.diesAt("CreateAccessKey", false, func(m *Manager) { _, _ = m.RotateKey(t.Context(), KeyOptions{}) })
	s.change(func(w *sandbox.World) { w.Users[0].Keys = append(w.Users[0].Keys, sandbox.Key{}) })
	return s, s.alice().Keys[1].ID
}

// TestKeyOfAnotherProfile is not lost, though AWS says that it was never used: it says so for
// hours.
func TestKeyOfAnotherProfile(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(s *stage, key creds.AccessKey){
		"another profile": func(s *stage, key creds.AccessKey) {
			s.edit("third", func(own *edit.Own) { own.AccessKeyID = key.ID })
		},
		"this one": func(s *stage, key creds.AccessKey) { s.must(s.items.PutAccessKey(s.t.Context(), "work", key)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, since := beforeCreateKey(t)
			use(s, creds.AccessKey{ID: since, Secret: creds.NewSecret(s.alice().Keys[1].Secret)})
			_, err := s.manager().RotateKey(t.Context(), KeyOptions{})
			fails(t, err, fault.Refused, "2 access keys", since)
			if keys := s.alice().Keys; len(keys) != 2 || keys[1].ID != since {
				t.Errorf("%+v", keys)
			}
			s.noJournal()
		})
	}
}

// TestUseOfALostKeyIsNotKnown: it stays until a person has looked, and then the run goes on.
func TestUseOfALostKeyIsNotKnown(t *testing.T) {
	t.Parallel()
	s, since := beforeCreateKey(t)
	s.setUse(nil)
	_, err := s.manager().RotateKey(t.Context(), KeyOptions{})
	fails(t, err, fault.Refused, since, "does not say whether it is in use", "aws iam delete-access-key --user-name alice --access-key-id "+since)
	if keys := s.alice().Keys; len(keys) != 2 {
		t.Errorf("%+v", keys)
	}
	s.change(func(w *sandbox.World) { w.Users[0].Keys = w.Users[0].Keys[:1] })
	_, err = s.manager().RotateKey(t.Context(), KeyOptions{Delete: true})
	s.must(err)
	if !s.shown("Resuming") {
		t.Error("not resumed")
	}
	s.oneKey()
}

// TestResumedSharing: the run that takes over knows who has copies, though their settings have changed.
func TestResumedSharing(t *testing.T) {
	t.Parallel()
	s := enrolled(t)
	s.share()
	s.diesAt("write key:other", true, func(m *Manager) { _, _ = m.RotateKey(t.Context(), KeyOptions{}) })
	e, _, err := s.manager().Unfinished(AccessKey)
	s.must(err)
	if !slices.Equal(e.Sharing, []string{"other", "work"}) {
		t.Errorf("%+v", e)
	}
	_, err = s.manager().RotateKey(t.Context(), KeyOptions{Delete: true})
	s.must(err)
	s.oneKey()
}

// TestCopiesOfTheOldSeed go with it.
func TestCopiesOfTheOldSeed(t *testing.T) {
	t.Parallel()
	for _, remove := range []bool{false, true} {
		s := enrolled(t)
		s.confirm = func(LastDevice) error { return nil }
		seed, err := s.items.Seed(t.Context(), laptop)
		s.must(err)
		s.must(s.itemsIn(ring.Keyctl).PutSeed(t.Context(), laptop, seed))
		s.edit("other", func(own *edit.Own) { own.Serial, own.SeedStore = laptop, ring.Keyctl })
		// The settings do not tell any more when it has died here.
		s.diesAt("DeactivateMFADevice", true, func(m *Manager) {
			if remove {
				_, _ = m.RemoveDevice(t.Context(), "")
				return
			}
			_, _ = m.RotateDevice(t.Context(), DeviceOptions{})
		})
		s.edit("other", func(own *edit.Own) { *own = edit.Own{} })
		s.clock.advance(time.Minute)
		if remove {
			_, err = s.manager().RemoveDevice(t.Context(), "")
		} else {
			_, err = s.manager().RotateDevice(t.Context(), DeviceOptions{})
		}
		s.must(err)
		for _, seed := range s.files("seed") {
			if remove || strings.HasPrefix(seed, ring.Keyctl) {
				t.Errorf("left over: %v", seed)
			}
		}
	}
}

// TestStoreIsRemembered: where the seed went is where the next run looks for it.
func TestStoreIsRemembered(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.store = "keyctl"
	s.diesAt("EnableMFADevice", true, func(m *Manager) { _ = enrolling(m, s) })
	e, _, err := s.manager().Unfinished(Device)
	s.must(err)
	if e.Store != "keyctl" {
		t.Errorf("%+v", e)
	}
	s.store = "age"
	fails(t, s.enrollFails(), fault.Config, "did not finish")
	s.store = "keyctl"
	s.enroll()
	s.works()
}

// TestDeviceOfAnotherRun has the name that is wanted, and is enabled for nobody yet. Neither an
// uncertain answer nor a run that has died makes it ours.
func TestDeviceOfAnotherRun(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(s *stage){
		"died": func(s *stage) {
			s.diesAt("CreateVirtualMFADevice", false, func(m *Manager) { _ = enrolling(m, s) })
		},
		"uncertain": func(s *stage) {
			s.inject(sandbox.Fault{Kind: sandbox.InternalFailure, Action: "CreateVirtualMFADevice"})
		},
		"unlisted": func(s *stage) {
			s.change(func(w *sandbox.World) { w.Users[0].Deny = map[string]string{"iam:ListVirtualMFADevices": ""} })
			s.inject(sandbox.Fault{Kind: sandbox.InternalFailure, Action: "CreateVirtualMFADevice"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, func(o *sandbox.Options) { o.World.Devices = []sandbox.Device{{Serial: laptop}} })
			first(s)
			fails(t, s.enrollFails(), fault.Refused, "MFA device alice-build-7", "--replace-unassigned")
			world := s.World()
			if d := world.Device(laptop); d == nil || len(world.Devices) != 1 {
				t.Errorf("%+v", world.Devices)
			}
			s.untouched(laptop)
		})
	}
}
