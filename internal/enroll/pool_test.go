package enroll

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// ofThree are the devices of a pool of three.
var ofThree = []string{laptop, laptop + "-2", laptop + "-3"}

func pooling(n int) func(m *Manager, s *stage) error {
	return func(m *Manager, s *stage) error {
		o := here
		o.Pool = n
		_, err := m.Enroll(s.t.Context(), o)
		return err
	}
}

// isPool checks that these are the devices of the profile, that the user has them, and that they make sessions.
func (s *stage) isPool(serials []string) {
	s.t.Helper()
	if got := s.own("work").Devices(); !slices.Equal(got, serials) {
		s.t.Errorf("the profile has %q, want %q", got, serials)
	}
	world := s.World()
	var enabled []string
	for _, d := range world.Devices {
		if d.User != "alice" {
			s.t.Errorf("%s is not enabled", d.Serial)
		}
		enabled = append(enabled, d.Serial)
	}
	if slices.Sort(enabled); !slices.Equal(enabled, slices.Sorted(slices.Values(serials))) {
		s.t.Errorf("IAM has %q, want %q", enabled, serials)
	}
	if seeds := s.files("seed"); len(seeds) != len(serials) {
		s.t.Errorf("seeds: %q", seeds)
	}
	s.clock.advance(5 * time.Minute)
	key, err := s.items.AccessKey(s.t.Context(), "work")
	s.must(err)
	for _, serial := range serials {
		if _, err := s.broker(key, serial).Get(s.t.Context(), plan(key, serial), session.Options{Refresh: true}); err != nil {
			s.t.Errorf("%s: %v", serial, err)
		}
	}
	s.noJournal()
}

// TestKillEnrollPool: whatever a crash leaves works, and the next run completes it.
func TestKillEnrollPool(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*sandbox.Options){"plain": func(*sandbox.Options) {}, "MFA demanded": requireMFA} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, scenario{
				prepare: func(t *testing.T) *stage { return newStage(t, adjust, inClear) },
				run:     pooling(3),
				check: func(s *stage) {
					devices := s.own("work").Devices() // one that could not be deleted at once has taken a name
					if s.isPool(devices); len(devices) != 3 {
						s.t.Errorf("%d devices", len(devices))
					}
				},
			})
		})
	}
}

func TestKillRemovePool(t *testing.T) {
	t.Parallel()
	everywhere(t, scenario{
		prepare: func(t *testing.T) *stage {
			s := newStage(t, requireMFA, inClear)
			s.must(pooling(2)(s.manager(), s))
			s.clock.advance(time.Hour)
			s.confirm = func(last LastDevice) error {
				if last.Serial != ofThree[1]+", "+laptop {
					s.t.Errorf("asked about %+v", last)
				}
				return nil
			}
			return s
		},
		run: func(m *Manager, s *stage) error {
			if _, open, _ := m.Unfinished(Device); s.serial() == "" && !open {
				return nil
			}
			_, err := m.RemoveDevice(s.t.Context(), ofThree[1], laptop)
			return err
		},
		check: func(s *stage) {
			if world := s.World(); s.own("work").Serial != "" || len(world.Devices) != 0 || len(s.files("seed")) != 0 {
				s.t.Errorf("left over: %+v, %v, %v", s.own("work"), world.Devices, s.files("seed"))
			}
			s.noJournal()
		},
	})
}

// TestRemoveAfterAnotherRemoval: a removal that did not finish is not taken for that of other devices.
func TestRemoveAfterAnotherRemoval(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.must(pooling(3)(s.manager(), s))
	s.diesAt("DeactivateMFADevice", true, func(m *Manager) { _, _ = m.RemoveDevice(t.Context(), ofThree[1]) })
	_, err := s.manager().RemoveDevice(t.Context(), ofThree[2])
	s.must(err)
	s.isPool(ofThree[:1])
}

// TestPoolGrows: a device that is there is the first of the pool, and only what lacks is made, without a wait.
func TestPoolGrows(t *testing.T) {
	t.Parallel()
	s := newStage(t, requireMFA)
	s.enroll()
	s.clock.advance(time.Hour)
	s.waits = nil
	for _, n := range []int{2, 3, 3, 1} {
		s.must(pooling(n)(s.manager(), s))
	}
	if len(s.waits) != 0 {
		t.Errorf("it waited: %v", s.waits)
	}
	s.isPool(ofThree)
	_, err := s.manager().Enroll(t.Context(), here) // one that has a pool gets one more, and loses none
	s.must(err)
	s.isPool(append(slices.Clone(ofThree), laptop+"-4"))
}

// TestPoolInOneStep makes a whole pool without waiting for a time step.
func TestPoolInOneStep(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.must(pooling(8)(s.manager(), s))
	if len(s.waits) != 0 {
		t.Errorf("it waited: %v", s.waits)
	}
	s.isPool(append(slices.Clone(ofThree), laptop+"-4", laptop+"-5", laptop+"-6", laptop+"-7", laptop+"-8"))
}

// TestPoolTooLarge: what IAM has no room for is refused before the first change.
func TestPoolTooLarge(t *testing.T) {
	t.Parallel()
	s := newStage(t, withPhone)
	s.phone = true
	err := pooling(8)(s.manager(), s)
	if awsapi.KindOf(err) != awsapi.LimitExceeded || !strings.Contains(err.Error(), "with 8 more") {
		t.Error(err)
	}
	if world := s.World(); len(world.Devices) != 1 || s.own("work") != (edit.Own{}) && s.own("work").Serial != "" {
		t.Errorf("changed: %v", world.Devices)
	}
	s.noJournal()
}

// TestPoolInTwoStores: a profile has one store for all its seeds.
func TestPoolInTwoStores(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.enroll()
	s.edit("work", func(own *edit.Own) { own.SetStores("", "env") })
	if err := pooling(2)(s.manager(), s); err == nil || !strings.Contains(err.Error(), "all seeds in one") {
		t.Error(err)
	}
	if world := s.World(); len(world.Devices) != 1 {
		t.Errorf("devices: %v", world.Devices)
	}
}

// TestRotateInAPool replaces one device in its place, for all profiles that have it.
func TestRotateInAPool(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.must(pooling(3)(s.manager(), s))
	own := s.own("work")
	s.edit("other", func(other *edit.Own) { *other = own })
	s.clock.advance(time.Hour)
	_, err := s.manager().RotateDevice(t.Context(), DeviceOptions{Serial: ofThree[1]})
	s.must(err)
	want := []string{laptop, laptop + "-4", laptop + "-3"}
	if other := s.own("other").Devices(); !slices.Equal(other, want) {
		t.Errorf("the other profile has %q", other)
	}
	s.isPool(want)
}
