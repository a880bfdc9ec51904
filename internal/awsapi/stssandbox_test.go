package awsapi

import (
	"bytes"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// stage is the sandbox over TLS, which verifies signatures, codes and times by
// code of its own, and a client of it.
type stage struct {
	*sandbox.Server
	t      *testing.T
	clock  *steppedClock // of both sides
	client *Client
}

func newStage(t *testing.T, roles ...sandbox.Role) *stage {
	t.Helper()
	s := &stage{t: t, clock: &steppedClock{at: time.Now()}}
	world := sandbox.DefaultWorld()
	world.Roles = append(world.Roles, roles...)
	server, err := sandbox.Start(sandbox.Options{Now: s.clock.now, Rand: rand.Reader, TLS: true, World: world})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, server.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Server = server
	s.client = newTestClient(t, server.URL(), func(o *Options) { o.CABundle, o.Now = bundle, s.clock.now })
	return s
}

// request returns a GetSessionToken of alice with the code of the server's time.
func (s *stage) request() Request {
	s.t.Helper()
	world := s.World()
	key, device := world.User("alice").Keys[0], world.Devices[0]
	code, err := sandbox.Code(device.Seed, s.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return Request{
		Key:      creds.AccessKey{ID: key.ID, Secret: creds.NewSecret(key.Secret)},
		Duration: 12 * time.Hour, Serial: device.Serial, Code: creds.NewSecret(code),
	}
}

func (s *stage) role(name string) *creds.Role {
	world := s.World()
	return &creds.Role{ARN: world.RoleARN(name), SessionName: "alice"}
}

func (s *stage) nextStep() { s.clock.advance(30 * time.Second) }

func (s *stage) mustCall(r Request) Result {
	s.t.Helper()
	got := s.client.Call(s.t.Context(), r)
	if KindOf(got.Err) != None || DeliveryOf(got.Err) != Answered {
		s.t.Fatalf("%s, %s: %v", KindOf(got.Err), DeliveryOf(got.Err), got.Err)
	}
	return got
}

// signedBy makes r a request that the session signs, without a code.
func signedBy(session creds.Credentials, r Request) Request {
	r.Key = creds.AccessKey{ID: session.AccessKeyID, Secret: session.SecretAccessKey}
	r.Token, r.Serial, r.Code = session.SessionToken, "", creds.Secret{}
	return r
}

func TestSandboxSessionsAndRoles(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	base := s.mustCall(s.request())
	if left := base.Credentials.Expiration.Sub(s.Now()); left.Round(time.Minute) != 12*time.Hour {
		t.Errorf("lasts %s", left)
	}

	chained := signedBy(base.Credentials, s.request())
	chained.Role, chained.Duration = s.role("audit"), time.Hour
	chained.Role.ExternalID = "audit-4711"
	s.mustCall(chained)

	s.nextStep()
	direct := s.request()
	direct.Role = s.role("deploy")
	if got := s.mustCall(direct); got.Credentials.Expiration.Sub(s.Now()).Round(time.Minute) != 12*time.Hour {
		t.Errorf("expires %s", got.Credentials.Expiration)
	}
	state := s.State()
	if state.Connections != 3 || state.Count("GetSessionToken").Calls != 1 || state.Count("AssumeRole").Calls != 2 {
		t.Errorf("%+v", state)
	}
}

// TestSandboxSessionTags assumes a role whose trust policy wants source identity and tags, as the session
// of GetSessionToken, which takes none of them, and with the access key.
func TestSandboxSessionTags(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Role{Name: "tagged", Trusts: []string{sandbox.Everyone}, RequireMFA: true, Demands: url.Values{
		"SourceIdentity": {"anna"}, "Tags.member.1.Key": {"cost center"}, "Tags.member.1.Value": {"ü=1"},
		"Tags.member.2.Key": {"team"}, "Tags.member.2.Value": {""}, "TransitiveTagKeys.member.1": {"team"},
	}})
	tagged := s.role("tagged")
	tagged.SourceIdentity, tagged.TransitiveTags = "anna", []string{"team"}
	tagged.Tags = []creds.Tag{{Key: "cost center", Value: "ü=1"}, {Key: "team"}}
	direct := s.request()
	direct.Role, direct.Duration = tagged, time.Hour
	s.mustCall(direct)
	s.nextStep()
	chained := signedBy(s.mustCall(s.request()).Credentials, direct)
	s.mustCall(chained)
	chained.Role = s.role("tagged")
	if got := s.client.Call(t.Context(), chained); KindOf(got.Err) != Denied {
		t.Errorf("without tags: %v", got.Err)
	}
}

func TestSandboxRefuses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first := s.request()
	base := s.mustCall(first)
	tests := map[string]struct {
		change func(*Request)
		want   want
	}{
		"spent code": {func(r *Request) { *r = first }, want{CodeRefused, fault.Refused, Answered, []string{"token code"}}},
		"wrong secret": {
			func(r *Request) { r.Key.Secret = creds.NewSecret(canaryKey) },
			want{SecretWrong, fault.Refused, Answered, []string{"access key AKIA", "secret"}},
		},
		"unknown key": {
			func(r *Request) { r.Key.ID = "AKIAIOSFODNN7EXAMPLE" },
			want{KeyUnknown, fault.Refused, Answered, []string{"access key AKIAIOSFODNN7EXAMPLE", "inactive"}},
		},
		"wrong device": {
			func(r *Request) { r.Serial = "arn:aws:iam::123456789012:mfa/bob" },
			want{DeviceUnknown, fault.Refused, Answered, []string{"mfa/bob", "aws iam list-mfa-devices"}},
		},
		"session for a session": {
			func(r *Request) { *r = signedBy(base.Credentials, *r) },
			want{Refused, fault.Refused, Answered, []string{"session key ASIA", "long-lived"}},
		},
		"no trust": {func(r *Request) {
			*r = signedBy(base.Credentials, *r)
			r.Role, r.Duration = s.role("no-trust"), time.Hour
		}, want{Denied, fault.Refused, Answered, []string{"role/no-trust", "may not call sts:AssumeRole", "an MFA session"}}},
		"chained too long": {func(r *Request) {
			*r = signedBy(base.Credentials, *r)
			r.Role = s.role("deploy")
		}, want{Refused, fault.Refused, Answered, []string{"12h was requested", "--duration 1h"}}},
		"longer than the role": {
			func(r *Request) { r.Role = s.role("readonly") },
			want{Refused, fault.Refused, Answered, []string{"MaxSessionDuration", "--role-name readonly"}},
		},
		"malformed code": {
			func(r *Request) { r.Code = creds.NewSecret("73916") },
			want{Refused, fault.Refused, Answered, []string{"ValidationError"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s.nextStep() // so not parallel: the steps have an order
			request := s.request()
			test.change(&request)
			got := s.client.Call(t.Context(), request)
			test.want.check(t, got)
			if bytes.Contains([]byte(fault.Line(got.Err)), []byte(request.Code.Reveal())) && !request.Code.IsZero() {
				t.Error("shows the code")
			}
		})
	}
}

// TestSandboxClock has the client's clock off by hours: the first answer tells
// by how much, and the second call is right, in its code and its signature.
func TestSandboxClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		s := newStage(t)
		s.SetClockOffset(-off)
		refused := s.client.Call(t.Context(), s.request())
		want{ClockRefused, fault.Clock, Answered, []string{"clock"}}.check(t, refused)

		s.nextStep()
		request := s.request()
		request.Skew = refused.ServerTime.Sub(refused.LocalTime)
		if wrong := request.Skew + off; wrong.Abs() > time.Second {
			t.Errorf("skew %s measured for %s", request.Skew, -off)
		}
		s.mustCall(request)
	}
}

func TestSandboxFaults(t *testing.T) {
	t.Parallel()
	const unknown, answered = Unknown, Answered
	tests := map[sandbox.Kind]want{
		sandbox.Throttle:        {Throttled, fault.Unavailable, answered, nil},
		sandbox.TooManyRequests: {Throttled, fault.Unavailable, answered, nil},
		sandbox.InternalFailure: {ServerError, fault.Unavailable, answered, nil},
		sandbox.Unavailable:     {ServerError, fault.Unavailable, answered, nil},
		sandbox.ResetBefore:     {Lost, fault.Network, unknown, []string{"reset"}},
		sandbox.ResetAfter:      {Lost, fault.Network, unknown, []string{"reset"}},
		sandbox.Hang:            {Lost, fault.Network, unknown, []string{"timed out while waiting"}},
		sandbox.HangAfter:       {Lost, fault.Network, unknown, []string{"timed out while waiting"}},
		sandbox.Truncate:        {Lost, fault.Network, unknown, []string{"closed while reading"}},
		sandbox.Portal:          {Unreachable, fault.Network, unknown, []string{"got HTML"}},
		sandbox.PortalRedirect:  {Unreachable, fault.Network, unknown, []string{"redirect"}},
		sandbox.GzipBomb:        {Unreachable, fault.Network, unknown, nil},
		sandbox.Huge:            {Unreachable, fault.Network, unknown, []string{"more than 1 MiB"}},
	}
	for kind, want := range tests {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if err := s.Inject(sandbox.Fault{Kind: kind}); err != nil {
				t.Fatal(err)
			}
			if kind == sandbox.Hang || kind == sandbox.HangAfter {
				s.client.tryLimit = 2 * time.Second
			}
			want.check(t, s.client.Call(t.Context(), s.request()))
			s.client.tryLimit = time.Minute
			if n := s.State().Count("GetSessionToken").Calls; n != 1 {
				t.Errorf("%d calls", n)
			}
			s.nextStep()
			s.mustCall(s.request()) // the next step works, whatever became of the first
		})
	}
}
