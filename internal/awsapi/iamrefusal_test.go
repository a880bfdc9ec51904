package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

func refusedAs(reason Kind, line ...string) want {
	return want{reason, fault.Refused, Answered, line}
}

// The calls of the tables below.
func (s *accountStage) create(name string) error {
	_, err := s.alice.CreateVirtualMFADevice(s.t.Context(), name)
	return err
}

func (s *accountStage) enable(first int) error {
	return s.alice.EnableMFADevice(s.t.Context(), s.pair(spare, first))
}

func TestIAMRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		world func(*sandbox.World)
		call  func(*accountStage) error
		want  want
	}{
		"name taken": {
			nil, func(s *accountStage) error { return s.create("spare") },
			refusedAs(AlreadyExists, "MFA device spare: ", "it exists already"),
		},
		"enabled already": {
			func(w *sandbox.World) { w.Devices[0].User = "alice" },
			func(s *accountStage) error { return s.enable(-1) },
			refusedAs(AlreadyExists, "MFA device "+spare, "it exists already, or is enabled for a user"),
		},
		"nine devices": {func(w *sandbox.World) {
			for n := range 8 {
				w.Devices = append(w.Devices, sandbox.Device{Serial: fmt.Sprintf("arn:aws:iam::123456789012:mfa/d%d", n), User: "alice"})
			}
		}, func(s *accountStage) error { return s.enable(-1) }, refusedAs(LimitExceeded, "user alice: it already has eight MFA devices", "aws iam deactivate-mfa-device --user-name alice --serial-number SERIAL")},
		"three keys": {func(w *sandbox.World) { w.Users[0].Keys = append(w.Users[0].Keys, sandbox.Key{}) }, func(s *accountStage) error {
			_, err := s.alice.CreateAccessKey(s.t.Context(), "alice")
			return err
		}, refusedAs(LimitExceeded, "user alice: it already has two access keys", "aws iam delete-access-key --user-name alice --access-key-id ID")},
		"no device": {nil, func(s *accountStage) error {
			return s.alice.EnableMFADevice(s.t.Context(), Pair{User: "alice", Serial: laptop, First: s.code(spare, -1), Second: s.code(spare, 0)})
		}, refusedAs(NotFound, "MFA device "+laptop, "not one of user alice")},
		"device of nobody": {nil, func(s *accountStage) error {
			return s.alice.DeactivateMFADevice(s.t.Context(), "", spare)
		}, refusedAs(NotFound, "MFA device "+spare, "not one of the user of access key AKIA")},
		"no user": {nil, func(s *accountStage) error {
			_, err := s.alice.ListMFADevices(s.t.Context(), "bob")
			return err
		}, refusedAs(NotFound, "user bob: AWS answered NoSuchEntity: The user with name bob cannot be found.")},
		"no key": {nil, func(s *accountStage) error {
			return s.alice.DeleteAccessKey(s.t.Context(), "alice", "AKIAIOSFODNN7EXAMPLE")
		}, refusedAs(NotFound, "access key AKIAIOSFODNN7EXAMPLE: AWS answered NoSuchEntity")},
		"key of nobody": {nil, func(s *accountStage) error {
			_, err := s.alice.GetAccessKeyLastUsed(s.t.Context(), "AKIAIOSFODNN7EXAMPLE")
			return err
		}, refusedAs(Denied, "access key AKIAIOSFODNN7EXAMPLE", "may not call iam:GetAccessKeyLastUsed")},
		"assigned": {
			func(w *sandbox.World) { w.Devices[0].User = "alice" },
			func(s *accountStage) error { return s.alice.DeleteVirtualMFADevice(s.t.Context(), spare) },
			refusedAs(StillAssigned, "MFA device "+spare, "still enabled for a user"),
		},
		"one code twice": {nil, func(s *accountStage) error {
			p := s.pair(spare, 0)
			p.Second = p.First
			return s.alice.EnableMFADevice(s.t.Context(), p)
		}, refusedAs(CodeRefused, "MFA device "+spare, "refused the two token codes", "wait for the next code")},
		"resync with wrong codes": {
			func(w *sandbox.World) { w.Devices[0].User = "alice" },
			func(s *accountStage) error { return s.alice.ResyncMFADevice(s.t.Context(), s.pair(spare, 5)) },
			refusedAs(CodeRefused, "MFA device "+spare),
		},
		"malformed code": {nil, func(s *accountStage) error {
			s.hide(creds.NewSecret("73916"))
			p := s.pair(spare, -1)
			p.Second = creds.NewSecret("73916")
			return s.alice.EnableMFADevice(s.t.Context(), p)
		}, refusedAs(Refused, "ValidationError", "[redacted]")},
		"malformed name": {nil, func(s *accountStage) error { return s.create("my laptop") }, refusedAs(Refused, "MFA device my laptop", "ValidationError")},
		"wrong secret": {nil, func(s *accountStage) error {
			s.alice.key.Secret = creds.NewSecret("CANARYsecretACCESSkeyCANARYsecretACCESSk")
			return s.create("new")
		}, refusedAs(SecretWrong, "access key AKIA", "does not match")},
		"unknown key": {nil, func(s *accountStage) error {
			s.alice.key.ID = "AKIAIOSFODNN7EXAMPLE"
			return s.create("new")
		}, refusedAs(KeyUnknown, "access key AKIAIOSFODNN7EXAMPLE", "region us-east-1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccountStage(t, func(o *sandbox.Options) { o.AllowSecondDevice = true })
			if test.world != nil {
				s.update(test.world)
			}
			s.check(t, test.call(s), test.want)
		})
	}
}

// TestOnDemand has the refusals that the sandbox gives only when told to. Texts are
// those of the IAM API reference and of public threads.
func TestOnDemand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault sandbox.Fault
		call  func(*accountStage) error
		want  want
	}{
		"busy": {
			sandbox.Fault{Status: 409, Code: "EntityTemporarilyUnmodifiable", Message: "The entity is being modified."},
			func(s *accountStage) error { return s.enable(-1) },
			want{Busy, fault.Unavailable, Answered, []string{"MFA device " + spare, "changed a moment ago", "try again in a minute"}},
		},
		"concurrent": {
			sandbox.Fault{Status: 409, Code: "ConcurrentModification", Message: "x"},
			func(s *accountStage) error { return s.create("new") },
			want{Busy, fault.Unavailable, Answered, []string{"MFA device new"}},
		},
		"failure": {
			sandbox.Fault{Status: 500, Code: "ServiceFailure", Message: "x"},
			func(s *accountStage) error { return s.create("new") },
			want{ServerError, fault.Unavailable, Answered, []string{"AWS failed on its side", "HTTP 500, ServiceFailure"}},
		},
		"quota of devices": {
			sandbox.Fault{Status: 409, Code: "LimitExceeded", Message: "Cannot exceed quota for VirtualMFADevicesPerAccount: 5000"},
			func(s *accountStage) error { return s.create("new") },
			refusedAs(LimitExceeded, "MFA device new", "VirtualMFADevicesPerAccount"),
		},
		"no entity of any kind": {
			sandbox.Fault{Status: 404, Code: "NoSuchEntity", Message: "The thing cannot be found."},
			func(s *accountStage) error { return s.create("new") },
			refusedAs(NotFound, "MFA device new", "NoSuchEntity: The thing"),
		},
		"denied without words": {
			sandbox.Fault{Status: 403, Code: "AccessDenied", Message: "Access denied"},
			func(s *accountStage) error { return s.create("new") },
			refusedAs(Denied, "AWS denied CreateVirtualMFADevice: Access denied"),
		},
		"session over": {
			sandbox.Fault{Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired"},
			func(s *accountStage) error { return s.create("new") },
			refusedAs(SessionExpired, "has expired", "aws-mfa-creds get --refresh"),
		},
		"unheard of": {
			sandbox.Fault{Status: 418, Code: "Teapot", Message: "short\n and stout"},
			func(s *accountStage) error { return s.create("new") },
			refusedAs(Refused, "MFA device new: AWS answered Teapot: short and stout"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccountStage(t)
			test.fault.Kind = sandbox.Refuse
			s.inject(test.fault)
			s.check(t, test.call(s), test.want)
		})
	}
}

// TestEchoes: whoever answers may send back what was sent, in every field.
func TestEchoes(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	p := s.pair(spare, -1)
	for _, secret := range []creds.Secret{p.First, p.Second, s.key().Secret} {
		for _, code := range []string{"AccessDenied", "LimitExceeded", "NoSuchEntity", "Throttling", "Odd" + secret.Reveal()} {
			s.inject(sandbox.Fault{Kind: sandbox.Refuse, Code: code, Message: "User: " + secret.Reveal() +
				" is not authorized to perform: iam:" + secret.Reveal() + " on resource: x because " + secret.Reveal()})
			err := s.alice.EnableMFADevice(t.Context(), p)
			told, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatal(err)
			}
			s.noSecret(fmt.Sprintf("%+v %s", told, fault.Line(err)))
		}
	}
}

// TestStrangerEchoes: not AWS answers, and with what was sent.
func TestStrangerEchoes(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	p := s.pair(spare, -1)
	s.alice.client.fetch = func(*http.Request) (*answer, error) {
		return &answer{status: http.StatusFound, header: http.Header{"Location": {"http://" + p.Second.Reveal() + ".test/"}}}, nil
	}
	err := s.alice.EnableMFADevice(t.Context(), p)
	s.check(t, err, want{Unreachable, fault.Network, Unsent, []string{"[redacted].test"}})
}

// TestPolicies: what is missing, and whether a session with MFA would help.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		user     sandbox.User
		call     func(*accountStage) error
		wantsMFA bool
		line     []string
	}{
		"only with MFA": {
			sandbox.User{RequireMFA: true},
			func(s *accountStage) error { return s.alice.DeleteVirtualMFADevice(s.t.Context(), spare) },
			true,
			[]string{
				"MFA device " + spare, "arn:aws:iam::123456789012:user/alice may not call iam:DeleteVirtualMFADevice",
				"explicit deny in an identity-based policy", "ask an administrator to allow iam:DeleteVirtualMFADevice",
			},
		},
		"denied by the organization": {
			sandbox.User{Deny: map[string]string{"iam:CreateAccessKey": "a service control policy"}},
			func(s *accountStage) error { _, err := s.alice.CreateAccessKey(s.t.Context(), ""); return err },
			true,
			[]string{"explicit deny in a service control policy", "allow iam:CreateAccessKey"},
		},
		"another name": {
			sandbox.User{OwnDeviceName: true},
			func(s *accountStage) error { return s.create("laptop") },
			false,
			[]string{"MFA device laptop", "no identity-based policy allows"},
		},
		"about nothing": {
			sandbox.User{Deny: map[string]string{"iam:ListAccessKeys": ""}},
			func(s *accountStage) error { _, err := s.alice.ListAccessKeys(s.t.Context(), ""); return err },
			true,
			[]string{"access key AKIA", "may not call iam:ListAccessKeys"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccountStage(t)
			s.update(func(w *sandbox.World) {
				u := w.User("alice")
				u.Deny, u.RequireMFA, u.OwnDeviceName = test.user.Deny, test.user.RequireMFA, test.user.OwnDeviceName
			})
			err := test.call(s)
			s.check(t, err, refusedAs(Denied, test.line...))
			if told, ok := errors.AsType[*Error](err); !ok || told.WantsMFA != test.wantsMFA {
				t.Errorf("wants MFA: %t", told.WantsMFA)
			}
		})
	}
}

// TestSecondDevice: AWS wants a session with MFA before a user gets another device.
func TestSecondDevice(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	s.update(func(w *sandbox.World) { w.Devices = append(w.Devices, sandbox.Device{Serial: laptop, User: "alice"}) })
	err := s.enable(-1)
	s.check(t, err, refusedAs(Denied, "MFA device "+spare, "may not call iam:EnableMFADevice", "ask an administrator to allow iam:EnableMFADevice"))
	if told, ok := errors.AsType[*Error](err); !ok || !told.WantsMFA {
		t.Errorf("%+v", told)
	}
	session := s.mfaSession(laptop)
	if err := session.EnableMFADevice(t.Context(), s.pair(spare, -1)); err != nil {
		t.Error(err)
	}
	s.update(func(w *sandbox.World) { w.User("alice").Deny = map[string]string{"iam:ListAccessKeys": ""} })
	_, err = session.ListAccessKeys(t.Context(), "")
	s.check(t, err, refusedAs(Denied))
	if told, ok := errors.AsType[*Error](err); !ok || told.WantsMFA {
		t.Errorf("a session with MFA is told to use one: %+v", told)
	}
}

// mfaSession returns a client that signs with a session made with the device.
func (s *accountStage) mfaSession(serial string) *Account {
	s.t.Helper()
	got := s.alice.client.Call(s.t.Context(), Request{Key: s.key(), Duration: time.Hour, Serial: serial, Code: s.code(serial, 0)})
	if got.Err != nil {
		s.t.Fatal(got.Err)
	}
	c := got.Credentials
	return s.client(creds.AccessKey{ID: c.AccessKeyID, Secret: c.SecretAccessKey}, c.SessionToken)
}

// TestNotYet: the past step is refused on demand, a new key is unknown at first.
func TestNotYet(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t, func(o *sandbox.Options) { o.RefusePastStep, o.KeyDelay = true, 5*time.Second })
	s.check(t, s.enable(-1), refusedAs(CodeRefused))
	s.clock.advance(totp.Period)
	if err := s.enable(0); err != nil {
		t.Error(err)
	}
	key, err := s.alice.CreateAccessKey(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	next := s.client(key, creds.Secret{})
	_, err = next.ListAccessKeys(t.Context(), "")
	s.check(t, err, refusedAs(KeyUnknown, "access key "+key.ID))
	s.clock.advance(5 * time.Second)
	if _, err = next.ListAccessKeys(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

// TestSessionWithoutMFA: IAM does not know such a session at all.
func TestSessionWithoutMFA(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	session := s.client(creds.AccessKey{ID: "ASIAIOSFODNN7EXAMPLE", Secret: creds.NewSecret("CANARYsecretOFsession")}, creds.NewSecret("CANARYtokenOFsession"))
	_, err := session.ListAccessKeys(t.Context(), "")
	s.check(t, err, refusedAs(KeyUnknown, "session key ASIAIOSFODNN7EXAMPLE", "session without MFA", "get --refresh"))
}

// TestClock has this machine's clock off: the refusal says by how much, and Observe
// is told, so that the next signature and the next codes are right.
func TestClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		s := newAccountStage(t)
		s.SetClockOffset(-off)
		s.check(t, s.create("new"), want{ClockRefused, fault.Clock, Answered, []string{"clock: the request was signed for a time 3h", "AWS's clock"}})
		if wrong := s.measured() + off; wrong.Abs() > time.Second {
			t.Errorf("skew %s measured for %s", s.measured(), -off)
		}
		if err := s.create("new"); err != nil {
			t.Error(err)
		}
	}
}

// TestCodesOfAWrongClock: the signature is accepted, the codes are not.
func TestCodesOfAWrongClock(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	s.SetClockOffset(2 * time.Minute)
	s.check(t, s.enable(-20), refusedAs(CodeRefused, "the clock that made them is 2m off"))
}

func TestCodesThatRanOut(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	p := s.pair(spare, -1)
	p.Expires = s.clock.now()
	s.check(t, s.alice.EnableMFADevice(t.Context(), p), want{CodeOutOfDate, fault.Deadline, Unsent, []string{"was not sent"}})
	if n := s.State().Count("EnableMFADevice").Calls; n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const unknown, answered = Unknown, Answered
	for kind, w := range map[sandbox.Kind]want{
		sandbox.Throttle:        {Throttled, fault.Unavailable, answered, []string{"limits the rate", "try again later"}},
		sandbox.TooManyRequests: {Throttled, fault.Unavailable, answered, nil},
		sandbox.Unavailable:     {ServerError, fault.Unavailable, answered, nil},
		sandbox.ResetBefore:     {Lost, fault.Network, unknown, []string{"reset", "AWS_ENDPOINT_URL_IAM (or endpoint_url)"}},
		sandbox.ResetAfter:      {Lost, fault.Network, unknown, []string{"reset"}},
		sandbox.HangAfter:       {Lost, fault.Network, unknown, []string{"timed out while waiting"}},
		sandbox.Truncate:        {Lost, fault.Network, unknown, []string{"closed while reading"}},
		sandbox.Portal:          {Unreachable, fault.Network, unknown, []string{"got HTML"}},
		sandbox.PortalRedirect:  {Unreachable, fault.Network, unknown, []string{"redirect", "endpoint of IAM"}},
		sandbox.Huge:            {Unreachable, fault.Network, unknown, []string{"more than 1 MiB"}},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newAccountStage(t)
			s.inject(sandbox.Fault{Kind: kind})
			if kind == sandbox.HangAfter {
				s.alice.client.tryLimit = 2 * time.Second
			}
			_, err := s.alice.CreateAccessKey(t.Context(), "")
			s.check(t, err, w)
			state := s.State()
			if count := state.Count("CreateAccessKey"); count.Calls != 1 || state.Connections != 1 {
				t.Errorf("%+v, %d connections", count, state.Connections)
			}
		})
	}
}

func TestCallerEndsTheCallToIAM(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	s.inject(sandbox.Fault{Kind: sandbox.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := s.alice.ListAccessKeys(ctx, "")
	s.check(t, err, want{Lost, fault.Deadline, Unknown, []string{"time limit of the run"}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("does not wrap the context's error")
	}
}

// TestNoSecretInPrintedResults prints what holds secrets.
func TestNoSecretInPrintedResults(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	device, err := s.alice.CreateVirtualMFADevice(t.Context(), "new")
	key, keyErr := s.alice.CreateAccessKey(t.Context(), "")
	if err != nil || keyErr != nil {
		t.Fatal(err, keyErr)
	}
	s.hide(device.Seed.Base32(), key.Secret)
	s.noSecret(fmt.Sprintf("%v %+v %#v %v %+v %#v", device, device, device, key, key, key))
}
