package awsapi

import (
	"bytes"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if err := s.Update(func(w *sandbox.World) {
		w.Users = append(w.Users, sandbox.User{Name: sandbox.RootUser, Keys: []sandbox.Key{{}}})
	}); err != nil {
		t.Fatal(err)
	}
	world := s.World()
	root := world.User(sandbox.RootUser).Keys[0]
	base := s.mustCall(s.request())
	chained := signedBy(base.Credentials, s.request())
	chained.Role, chained.Duration = s.role("deploy"), time.Hour
	role := s.mustCall(chained)
	for name, test := range map[string]struct {
		request Request
		arn     string
		user    string
		root    bool
	}{
		"access key":  {s.request(), "arn:aws:iam::123456789012:user/alice", "alice", false},
		"session":     {signedBy(base.Credentials, s.request()), "arn:aws:iam::123456789012:user/alice", "alice", false},
		"role":        {signedBy(role.Credentials, s.request()), "arn:aws:sts::123456789012:assumed-role/deploy/alice", "", false},
		"root's keys": {Request{Key: creds.AccessKey{ID: root.ID, Secret: creds.NewSecret(root.Secret)}}, "arn:aws:iam::123456789012:root", "", true},
	} {
		got, result := s.identity(test.request)
		if result.Err != nil {
			t.Errorf("%s: %v", name, result.Err)
		}
		if got.ARN != test.arn || got.Account != "123456789012" || got.User() != test.user || got.Root() != test.root || got.Partition() != "aws" {
			t.Errorf("%s: %+v", name, got)
		}
		if result.ServerTime.Sub(result.LocalTime).Abs() > 2*time.Second || result.ServerTime.IsZero() {
			t.Errorf("%s: clocks %s, %s", name, result.ServerTime, result.LocalTime)
		}
	}
}

// identity asks who signs r, and also returns what was observed of the clocks.
func (s *stage) identity(r Request) (Identity, Result) {
	var result Result
	client := *s.client
	client.options.Skew = func() time.Duration { return r.Skew }
	client.options.Observe = func(server, local time.Time) { result.ServerTime, result.LocalTime = server, local }
	who, err := client.Account(r.Key, r.Token).GetCallerIdentity(s.t.Context())
	result.Err = err
	return who, result
}

func TestGetCallerIdentityFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  sandbox.Fault
		change func(*Request)
		want   want
	}{
		"unknown key": {
			change: func(r *Request) { r.Key.ID = "AKIAIOSFODNN7EXAMPLE" },
			want:   want{KeyUnknown, fault.Refused, Answered, []string{"access key AKIAIOSFODNN7EXAMPLE", "inactive"}},
		},
		"wrong secret": {
			change: func(r *Request) { r.Key.Secret = creds.NewSecret(canaryKey) },
			want:   want{SecretWrong, fault.Refused, Answered, []string{"does not match"}},
		},
		"wrong clock": {
			change: func(r *Request) { r.Skew = time.Hour },
			want:   want{ClockRefused, fault.Clock, Answered, []string{"1h ahead"}},
		},
		"session over": {
			fault: sandbox.Fault{Kind: sandbox.Refuse, Code: "ExpiredToken"},
			want:  want{SessionExpired, fault.Refused, Answered, []string{"has expired"}},
		},
		"throttled": {
			fault: sandbox.Fault{Kind: sandbox.Throttle},
			want:  want{Throttled, fault.Unavailable, Answered, nil},
		},
		"lost": {
			fault: sandbox.Fault{Kind: sandbox.ResetAfter},
			want:  want{Lost, fault.Network, Unknown, []string{"reset"}},
		},
		"odd": {
			fault: sandbox.Fault{Kind: sandbox.Refuse, Code: "Odd"},
			want:  want{Refused, fault.Refused, Answered, []string{"AWS answered Odd"}},
		},
		"no ARN": {
			fault: sandbox.Fault{Kind: sandbox.Rewrite, Rewrite: func(body []byte) []byte {
				return bytes.Replace(body, []byte("Arn>"), []byte("Urn>"), 2)
			}},
			want: want{ServerError, fault.Refused, Answered, []string{"does not say whose key it is"}},
		},
		"empty": {
			fault: sandbox.Fault{Kind: sandbox.Rewrite, Rewrite: func([]byte) []byte {
				return []byte("<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>")
			}},
			want: want{ServerError, fault.Refused, Answered, []string{"does not say whose key it is"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			request := s.request()
			if test.change != nil {
				test.change(&request)
			}
			if test.fault.Kind != "" {
				if err := s.Inject(test.fault); err != nil {
					t.Fatal(err)
				}
			}
			got, result := s.identity(request)
			test.want.check(t, result)
			if got != (Identity{}) {
				t.Errorf("%+v", got)
			}
			if n := len(s.State().Attempts); n != 0 {
				t.Errorf("sent %d codes", n)
			}
		})
	}
}
