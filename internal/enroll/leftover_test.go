package enroll

import (
	"slices"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// diesAt runs f in a process that dies right before, or after, the first such effect.
func (s *stage) diesAt(name string, after bool, f func(*Manager)) {
	s.t.Helper()
	s.before = func(effect string, done bool) {
		if effect == name && done == after {
			panic(killed{})
		}
	}
	if !s.dies(0, f) {
		s.t.Fatal("it lives")
	}
	s.before = nil
}

// quota refuses a call of action, after the next skip ones.
func (s *stage) quota(action string, skip int) {
	s.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: action, Status: 409, Code: "LimitExceeded", Message: "Cannot exceed quota", Skip: skip})
}

// TestSeedOfADiscardedDevice goes with it, whatever comes then.
func TestSeedOfADiscardedDevice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.diesAt("write seed:"+laptop, true, func(m *Manager) { _ = enrolling(m, s) })
	s.quota("CreateVirtualMFADevice", 1)
	fails(t, s.enrollFails(), fault.Refused, "quota")
	s.untouched()
}

// TestOrphanIsRemembered until it can be deleted, through a run that fails.
func TestOrphanIsRemembered(t *testing.T) {
	t.Parallel()
	s := newStage(t, requireMFA)
	s.diesAt("CreateVirtualMFADevice", true, func(m *Manager) { _ = enrolling(m, s) })
	s.quota("CreateVirtualMFADevice", 1)
	fails(t, s.enrollFails(), fault.Refused, "quota")
	if e, _, err := s.manager().Unfinished(Device); err != nil || !slices.Equal(e.Orphans, []string{laptop}) {
		t.Errorf("%+v, %v", e, err)
	}
	s.enroll()
	s.works()
}

// TestDeviceOfSomebodyElse: one that is named like the user is not taken for ours because an
// earlier run has died.
func TestDeviceOfSomebodyElse(t *testing.T) {
	t.Parallel()
	const alice = "arn:aws:iam::123456789012:mfa/alice"
	s := newStage(t, func(o *sandbox.Options) {
		o.World.Users[0].OwnDeviceName = true
		o.World.Devices = []sandbox.Device{{Serial: alice}}
	})
	s.diesAt("CreateVirtualMFADevice", false, func(m *Manager) { _ = enrolling(m, s) })
	fails(t, s.enrollFails(), fault.Refused, "MFA device alice", "--replace-unassigned")
	world := s.World()
	if world.Device(alice) == nil {
		t.Error("it was deleted")
	}
	s.untouched(alice)
}

// TestNextNameIsTaken: the name that gets round an orphan is somebody's, and stays so.
func TestNextNameIsTaken(t *testing.T) {
	t.Parallel()
	second := laptop + "-2"
	s := newStage(t, requireMFA, func(o *sandbox.Options) { o.World.Devices = []sandbox.Device{{Serial: second}} })
	s.diesAt("CreateVirtualMFADevice", true, func(m *Manager) { _ = enrolling(m, s) })
	fails(t, s.enrollFails(), fault.Refused, "MFA device alice-build-7-2", "--replace-unassigned")
	if got := s.enroll().Serial; got != laptop+"-3" {
		t.Errorf("serial %s", got)
	}
	world := s.World()
	if world.Device(second) == nil {
		t.Error("it was deleted")
	}
	s.works(second)
}

// TestSecretIsStored: a key whose secret is in the second slot is not lost, and is taken up.
func TestSecretIsStored(t *testing.T) {
	t.Parallel()
	s := enrolled(t)
	rotate := func(m *Manager) error {
		_, err := m.RotateKey(t.Context(), KeyOptions{})
		return err
	}
	s.diesAt("write newkey:work", true, func(m *Manager) { _ = rotate(m) })
	made := s.alice().Keys[1].ID
	s.must(rotate(s.manager()))
	if keys := s.alice().Keys; keys[0].ID != made {
		t.Errorf("another key was made: %+v", keys)
	}
	s.oneKey()
}

// TestKeyHasBeenSwitched: once the profile has the new key, the second slot is not needed.
func TestKeyHasBeenSwitched(t *testing.T) {
	t.Parallel()
	s := enrolled(t)
	s.diesAt("write key:work", true, func(m *Manager) { _, _ = m.RotateKey(t.Context(), KeyOptions{}) })
	s.must(s.items.Store.Delete(t.Context(), keystore.NewKeyName("work")))
	result, err := s.manager().RotateKey(t.Context(), KeyOptions{})
	s.must(err)
	if keys := s.alice().Keys; keys[0].ID != result.ID {
		t.Errorf("%+v", result)
	}
	s.oneKey()
}
