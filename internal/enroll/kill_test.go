package enroll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// scenario is a flow on a machine that is ready for it.
type scenario struct {
	prepare func(t *testing.T) *stage
	run     func(*Manager, *stage) error
	check   func(*stage)
}

// everywhere kills the flow at both sides of each of its effects, runs it again, and checks
// what there is then.
func everywhere(t *testing.T, sc scenario) {
	t.Helper()
	var effects []string
	t.Run("dry", func(t *testing.T) { // a test of its own, at whose end its claims of codes are gone
		dry := sc.prepare(t)
		dry.dies(0, func(m *Manager) { dry.must(sc.run(m, dry)) })
		effects = slices.Clone(dry.effects)
		sc.check(dry)
	})
	if len(effects) < 10 {
		t.Fatalf("only %d effects", len(effects))
	}
	stride := 1
	if testing.Short() {
		stride = 8
	}
	for n := 1; n <= len(effects); n += stride {
		t.Run(fmt.Sprintf("%d %s", n, effects[n-1]), func(t *testing.T) {
			t.Parallel()
			s := sc.prepare(t)
			if !s.dies(n, func(m *Manager) { _ = sc.run(m, s) }) {
				t.Fatal("it lives")
			}
			if err := sc.run(s.manager(), s); err != nil {
				t.Fatalf("the second run: %s", fault.Line(err))
			}
			sc.check(s)
			s.onlyOnce()
		})
	}
}

// inClear saves the hundreds of runs their handshakes.
func inClear(o *sandbox.Options) { o.TLS = false }

func enrolling(m *Manager, s *stage) error {
	_, err := m.Enroll(s.t.Context(), here)
	return err
}

// replacing is enrolling, and says in the second run that what is left over may go.
func replacing(m *Manager, s *stage) error {
	o := here
	o.ReplaceUnassigned = s.dieAt == 0
	_, err := m.Enroll(s.t.Context(), o)
	return err
}

func TestKillEnroll(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*sandbox.Options){
		"plain":         func(*sandbox.Options) {},
		"past step":     func(o *sandbox.Options) { o.RefusePastStep = true },
		"MFA demanded":  requireMFA,
		"slow IAM":      func(o *sandbox.Options) { o.DeviceDelay = 20 * time.Second },
		"current codes": func(o *sandbox.Options) { o.Window = sandbox.CurrentOnly },
		"like the user": func(o *sandbox.Options) { o.World.Users[0].OwnDeviceName = true },
		"pages of one":  func(o *sandbox.Options) { o.PageSize = 1 },
		"no list":       func(o *sandbox.Options) { o.World.Users[0].Deny = map[string]string{"iam:ListMFADevices": ""} },
		"no list at all": func(o *sandbox.Options) {
			o.World.Users[0].Deny = map[string]string{"iam:ListMFADevices": "", "iam:ListVirtualMFADevices": ""}
		},
		"MFA, with phone": func(o *sandbox.Options) { requireMFA(o); withPhone(o) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := scenario{
				prepare: func(t *testing.T) *stage {
					s := newStage(t, adjust, inClear)
					s.phone = true
					return s
				},
				run:   enrolling,
				check: func(s *stage) { s.works(phone) },
			}
			if name == "no list at all" { // nobody can say whose a device of that name is
				sc.run = replacing
			}
			everywhere(t, sc)
		})
	}
}

func TestKillRotateDevice(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*sandbox.Options){
		"plain":        func(*sandbox.Options) {},
		"past step":    func(o *sandbox.Options) { o.RefusePastStep = true },
		"MFA demanded": requireMFA,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, scenario{
				prepare: func(t *testing.T) *stage {
					s := newStage(t, adjust, inClear)
					s.enroll()
					own := s.own("work")
					s.edit("other", func(other *edit.Own) { *other = own })
					s.clock.advance(time.Hour)
					return s
				},
				run: func(m *Manager, s *stage) error {
					if _, open, _ := m.Unfinished(Device); s.serial() != laptop && !open {
						return nil // killed when all was done
					}
					_, err := m.RotateDevice(s.t.Context(), DeviceOptions{})
					return err
				},
				check: func(s *stage) {
					if work, other := s.own("work"), s.own("other"); work.Serial == laptop || other != work {
						s.t.Errorf("the profiles have %+v and %+v", work, other)
					}
					s.works()
				},
			})
		})
	}
}

func TestKillRotateKey(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*sandbox.Options){
		"plain":        func(*sandbox.Options) {},
		"MFA demanded": requireMFA,
		"slow IAM":     func(o *sandbox.Options) { o.KeyDelay = 20 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, scenario{
				prepare: func(t *testing.T) *stage {
					s := newStage(t, adjust, inClear)
					s.enroll()
					s.share()
					s.first = s.alice().Keys[0].ID
					s.clock.advance(time.Hour)
					return s
				},
				run: func(m *Manager, s *stage) error {
					// The kill may come after all is done, and then it would be a rotation of its own.
					if s.dieAt == 0 && s.rotated() {
						return nil
					}
					_, err := m.RotateKey(s.t.Context(), KeyOptions{})
					return err
				},
				check: (*stage).oneKey,
			})
		})
	}
}

// rotated reports whether nothing is left to be done.
func (s *stage) rotated() bool {
	_, open, err := s.manager().Unfinished(AccessKey)
	return err == nil && !open && s.own("work").AccessKeyID != s.first
}

// oneKey fails unless alice has one key, active, which is the stored one and makes sessions.
func (s *stage) oneKey() {
	s.t.Helper()
	user := s.alice()
	key, err := s.items.AccessKey(s.t.Context(), "work")
	s.must(err)
	if len(user.Keys) != 1 || user.Keys[0].Inactive || user.Keys[0].ID != key.ID || user.Keys[0].Secret != key.Secret.Reveal() {
		s.t.Errorf("IAM has %d keys, the store %s", len(user.Keys), key.ID)
	}
	if id := s.own("work").AccessKeyID; id != key.ID {
		s.t.Errorf("the settings have %q", id)
	}
	if copied, err := s.items.AccessKey(s.t.Context(), "other"); !missing(err) && (copied.ID != key.ID || !copied.Secret.Equal(key.Secret) || s.own("other").AccessKeyID != key.ID) {
		s.t.Errorf("the other profile has %s, and its settings %q", copied.ID, s.own("other").AccessKeyID)
	}
	if got := s.files("newkey"); len(got) != 0 {
		s.t.Errorf("the second slot: %v", got)
	}
	s.noJournal()
	s.mints(laptop)
}

func TestKillRemove(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*sandbox.Options){"plain": func(*sandbox.Options) {}, "MFA demanded": requireMFA} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, scenario{
				prepare: func(t *testing.T) *stage {
					s := newStage(t, adjust, inClear)
					s.enroll()
					s.clock.advance(time.Hour)
					s.confirm = func(LastDevice) error { return nil }
					return s
				},
				run: func(m *Manager, s *stage) error {
					if _, open, _ := m.Unfinished(Device); s.serial() == "" && !open {
						return nil // killed when all was done
					}
					_, err := m.RemoveDevice(s.t.Context(), "")
					return err
				},
				check: func(s *stage) {
					world := s.World()
					if serial := s.serial(); serial != "" || len(world.Devices) != 0 || len(s.files("seed")) != 0 {
						s.t.Errorf("left over: %v, %v, %v", serial, world.Devices, s.files("seed"))
					}
					s.noJournal()
				},
			})
		})
	}
}

// TestKillTwice dies in the second run as well.
func TestKillTwice(t *testing.T) {
	t.Parallel()
	dry := newStage(t, requireMFA, inClear)
	dry.dies(0, func(m *Manager) { dry.must(enrolling(m, dry)) })
	for first := 2; first <= len(dry.effects); first += 4 {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			t.Parallel()
			for second := 1; ; second += 2 {
				s := newStage(t, requireMFA, inClear)
				s.dies(first, func(m *Manager) { _ = enrolling(m, s) })
				if !s.dies(second, func(m *Manager) { _ = enrolling(m, s) }) {
					return
				}
				s.must(enrolling(s.manager(), s))
				s.works()
			}
		})
	}
}

// TestCancel: Ctrl-C at any effect leaves what the next run finishes.
func TestCancel(t *testing.T) {
	t.Parallel()
	dry := newStage(t)
	dry.dies(0, func(m *Manager) { dry.must(enrolling(m, dry)) })
	for n, effect := range dry.effects {
		t.Run(fmt.Sprint(n, " ", effect), func(t *testing.T) {
			s := newStage(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			count := 0
			s.before = func(string, bool) {
				if count++; count > n {
					cancel(errors.New("stopped"))
				}
			}
			_, _ = s.manager().Enroll(ctx, here)
			s.before = nil
			s.must(enrolling(s.manager(), s))
			s.works()
		})
	}
}
