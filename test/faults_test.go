package test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestRefusals makes everything go wrong, one thing at a time: one clear line, the documented exit
// code, nothing on stdout, nothing secret; and twenty processes more cost AWS nothing more where the
// answer was definite.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const otherSeed = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	for name, test := range map[string]struct {
		env   []string
		args  []string
		tls   bool
		world func(*sandbox.World)
		fault sandbox.Kind
		code  int
		words []string
		calls int // GetSessionToken calls of the first process
		storm int // and of twenty more
	}{
		"wrong seed": {
			env: []string{"AWS_MFA_CREDS_SEED=" + otherSeed}, code: 6, calls: 2,
			words: []string{"MFA device arn:aws:iam::123456789012:mfa/alice-laptop", "wrong seed"},
		},
		"wrong serial": {
			env: []string{"AWS_MFA_CREDS_SERIAL=arn:aws:iam::123456789012:mfa/bob"}, code: 6, calls: 1,
			words: []string{"mfa/bob", "aws iam list-mfa-devices"},
		},
		"inactive key": {
			world: func(w *sandbox.World) { w.User("alice").Keys[0].Inactive = true }, code: 6, calls: 1,
			words: []string{"access key AKIA", "inactive"},
		},
		"wrong secret": {
			env: []string{"AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + strings.Repeat("x", 40)}, code: 6, calls: 1,
			words: []string{"access key AKIA", "secret"},
		},
		"explicit deny": {
			args:  []string{"--role-arn", "arn:aws:iam::123456789012:role/deploy"},
			world: func(w *sandbox.World) { w.User("alice").Deny = map[string]string{"sts:AssumeRole": ""} }, code: 6, calls: 1,
			words: []string{"role/deploy", "explicit deny"},
		},
		"no trust": {
			args: []string{"--role-arn", "arn:aws:iam::123456789012:role/no-trust"}, code: 6, calls: 1, words: []string{"role/no-trust", "trust policy"},
		},
		"no external id": {
			args: []string{"--role-arn", "arn:aws:iam::123456789012:role/audit"}, code: 6, calls: 1, words: []string{"role/audit", "no external ID"},
		},
		"role for too long": {
			args: []string{"--role-arn", "arn:aws:iam::123456789012:role/readonly", "--duration", "4h"}, code: 6, calls: 0, words: []string{"role/readonly", "MaxSessionDuration"},
		},
		"throttling":            {fault: sandbox.Throttle, code: 8, calls: 1, words: []string{"limits the rate"}},
		"captive portal":        {fault: sandbox.Portal, code: 7, calls: 1, words: []string{"HTML", "captive portal"}},
		"captive portal by 302": {fault: sandbox.PortalRedirect, code: 7, calls: 1, words: []string{"redirect", "captive portal"}},
		"unknown CA":            {tls: true, env: []string{"AWS_CA_BUNDLE="}, code: 7, words: []string{"CA", "AWS_CA_BUNDLE"}},
		"no DNS": {
			env: []string{"AWS_ENDPOINT_URL_STS=https://sts.us-east-1.amazonaws.invalid"}, code: 7, words: []string{"sts.us-east-1.amazonaws.invalid"},
		},
		"connection refused": {env: []string{"AWS_ENDPOINT_URL_STS=http://127.0.0.1:1"}, code: 7, words: []string{"127.0.0.1:1", "connection refused"}},
		"not encrypted":      {env: []string{"AWS_ENDPOINT_URL_STS=http://sts.example.com"}, code: 3, words: []string{"sts.example.com", "loopback"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{TLS: test.tls}})
			if test.world != nil {
				if err := b.Server.Update(test.world); err != nil {
					t.Fatal(err)
				}
			}
			if test.fault != "" {
				if err := b.Server.Inject(sandbox.Fault{Kind: test.fault, Times: -1}); err != nil {
					t.Fatal(err)
				}
			}
			again := func() outcome {
				return run(t, b, test.env, b.Binary, append([]string{"get", "--profile", "work"}, test.args...)...)
			}
			wantFailure(t, b, again(), test.code, test.words...)
			wantMints(t, b, test.calls)
			if test.code != 6 {
				return
			}
			seen := len(b.Server.State().Attempts) + calls(b, "AssumeRole")
			var group sync.WaitGroup
			for range 20 {
				group.Go(func() { wantFailure(t, b, again(), test.code, test.words...) })
			}
			group.Wait()
			if got := len(b.Server.State().Attempts) + calls(b, "AssumeRole"); got != seen {
				t.Errorf("twenty processes more made %d calls more", got-seen)
			}
		})
	}
}

// TestLostAnswer loses the answer after STS has taken the code.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.Kind{sandbox.ResetAfter, sandbox.Truncate} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			if err := b.Server.Inject(sandbox.Fault{Kind: kind, Action: "GetSessionToken"}); err != nil {
				t.Fatal(err)
			}
			mustGet(t, b)
			wantMints(t, b, 2)
		})
	}
}

// TestStormOnABrokenSTS lets many processes meet a broken STS: they share the failure.
func TestStormOnABrokenSTS(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 2 * time.Second}})
	if err := b.Server.Inject(sandbox.Fault{Kind: sandbox.Throttle, Times: -1}); err != nil {
		t.Fatal(err)
	}
	for _, got := range start(t, b, 50)() {
		wantFailure(t, b, got, 8)
	}
	if got := calls(b, "GetSessionToken"); got > 2 {
		t.Errorf("%d calls", got)
	}
}

// TestSTSDownInTheRefreshWindow moves AWS's clock until eight minutes of the session remain.
func TestSTSDownInTheRefreshWindow(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	first := mustGet(t, b)
	agedBy(t, b, time.Until(first.Expiration)-8*time.Minute)
	// A refresh waits for nothing, so it is to meet a time step that is neither spent nor about to
	// end.
	// The last code may have been sent a moment before its step began by the server's clock.
	next := totp.StepAt(b.Server.Now().Add(2 * time.Second)).End()
	time.Sleep(next.Sub(b.Server.Now()) + 3*time.Second)
	for _, kind := range []sandbox.Kind{sandbox.ResetBefore, sandbox.Unavailable, sandbox.Portal} {
		b.Server.ClearFaults()
		if err := b.Server.Inject(sandbox.Fault{Kind: kind, Action: "GetSessionToken", Times: -1}); err != nil {
			t.Fatal(err)
		}
		if got := mustGet(t, b); got.AccessKeyID != first.AccessKeyID {
			t.Errorf("%s: not the cached session", kind)
		}
	}
	list := run(t, b, nil, b.Binary, "list", "--json")
	var profiles []struct {
		Sessions []struct {
			SecondsLeft int `json:"seconds_left"`
			Error       *struct {
				ExitCode int `json:"exit_code"`
				Message  string
			}
		}
	}
	if err := json.Unmarshal([]byte(list.stdout), &profiles); err != nil || len(profiles) != 1 || len(profiles[0].Sessions) != 1 {
		t.Fatalf("list: exit %d: %s%s", list.code, list.stdout, list.stderr)
	}
	session := profiles[0].Sessions[0]
	if session.Error == nil || session.Error.ExitCode != 7 || session.SecondsLeft < 400 || session.SecondsLeft > 480 {
		t.Errorf("list: %s", list.stdout)
	}
}

// agedBy makes the machine believe that AWS's clock is ahead, as it does after an answer that
// said so: all that is cached looks older.
func agedBy(t *testing.T, b *testbed.Bed, age time.Duration) {
	t.Helper()
	b.Server.SetClockOffset(age)
	run(t, b, nil, b.Binary, "get", "--profile", "work", "--duration", "16m", "--refresh")
}
