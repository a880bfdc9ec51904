package sts

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
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
		request exchange.Request
		arn     string
		user    string
		root    bool
	}{
		"access key":  {s.request(), "arn:aws:iam::123456789012:user/alice", "alice", false},
		"session":     {signedBy(base.Credentials, s.request()), "arn:aws:iam::123456789012:user/alice", "alice", false},
		"role":        {signedBy(role.Credentials, s.request()), "arn:aws:sts::123456789012:assumed-role/deploy/alice", "", false},
		"root's keys": {exchange.Request{Key: creds.AccessKey{ID: root.ID, Secret: creds.NewSecret(root.Secret)}}, "arn:aws:iam::123456789012:root", "", true},
	} {
		got, result := s.client.GetCallerIdentity(t.Context(), test.request)
		if result.Verdict != exchange.OK || result.Err != nil || result.Delivery != exchange.Answered {
			t.Errorf("%s: %v", name, result.Err)
		}
		if got.ARN != test.arn || got.Account != "123456789012" || got.ID == "" || got.User() != test.user || got.Root() != test.root || got.Partition() != "aws" {
			t.Errorf("%s: %+v", name, got)
		}
		if result.ServerTime.Sub(result.LocalTime).Abs() > 2*time.Second || result.ServerTime.IsZero() {
			t.Errorf("%s: clocks %s, %s", name, result.ServerTime, result.LocalTime)
		}
	}
}

func TestGetCallerIdentityFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  sandbox.Fault
		change func(*exchange.Request)
		reason account.Reason
		want   want
	}{
		"unknown key": {
			change: func(r *exchange.Request) { r.Key.ID = "AKIAIOSFODNN7EXAMPLE" }, reason: account.KeyUnknown,
			want: want{exchange.Refused, fault.Refused, exchange.Answered, []string{"access key AKIAIOSFODNN7EXAMPLE", "inactive"}},
		},
		"wrong secret": {
			change: func(r *exchange.Request) { r.Key.Secret = creds.NewSecret(canaryKey) }, reason: account.SecretWrong,
			want: want{exchange.Refused, fault.Refused, exchange.Answered, []string{"does not match"}},
		},
		"wrong clock": {
			change: func(r *exchange.Request) { r.Skew = time.Hour }, reason: account.ClockRefused,
			want: want{exchange.ClockRefused, fault.Clock, exchange.Answered, []string{"1h ahead"}},
		},
		"session over": {
			fault: sandbox.Fault{Kind: sandbox.Refuse, Code: "ExpiredToken"}, reason: account.SessionExpired,
			want: want{exchange.Refused, fault.Refused, exchange.Answered, []string{"has expired"}},
		},
		"throttled": {
			fault: sandbox.Fault{Kind: sandbox.Throttle}, reason: account.Throttled,
			want: want{exchange.Throttled, fault.Unavailable, exchange.Answered, nil},
		},
		"lost": {
			fault: sandbox.Fault{Kind: sandbox.ResetAfter}, reason: account.Lost,
			want: want{exchange.Lost, fault.Network, exchange.Unknown, []string{"reset"}},
		},
		"odd": {
			fault: sandbox.Fault{Kind: sandbox.Refuse, Code: "Odd"}, reason: account.Other,
			want: want{exchange.Refused, fault.Refused, exchange.Answered, []string{"AWS answered Odd"}},
		},
		"no ARN": {
			fault: sandbox.Fault{Kind: sandbox.Rewrite, Rewrite: func(body []byte) []byte {
				return bytes.Replace(body, []byte("Arn>"), []byte("Urn>"), 2)
			}}, reason: account.ServerError,
			want: want{exchange.ServerError, fault.Refused, exchange.Answered, []string{"does not say whose key it is"}},
		},
		"empty": {
			fault: sandbox.Fault{Kind: sandbox.Rewrite, Rewrite: func([]byte) []byte {
				return []byte("<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>")
			}}, reason: account.ServerError,
			want: want{exchange.ServerError, fault.Refused, exchange.Answered, []string{"does not say whose key it is"}},
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
			got, result := s.client.GetCallerIdentity(t.Context(), request)
			test.want.check(t, result)
			if told, ok := errors.AsType[*account.Error](result.Err); !ok || told.Reason != test.reason || got != (account.Identity{}) {
				t.Errorf("reason %s, want %s; %+v", account.ReasonOf(result.Err), test.reason, got)
			}
			if n := len(s.State().Attempts); n != 0 {
				t.Errorf("sent %d codes", n)
			}
		})
	}
}
