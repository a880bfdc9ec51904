package awsapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestCallSendsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request Request
		form    map[string]string
	}{
		"session": {sessionRequest(), map[string]string{
			"Action": "GetSessionToken", "Version": "2011-06-15", "DurationSeconds": "43200", "SerialNumber": serial, "TokenCode": canaryCode,
		}},
		"role": {roleRequest(), map[string]string{
			"Action": "AssumeRole", "Version": "2011-06-15", "DurationSeconds": "43200", "SerialNumber": serial, "TokenCode": canaryCode,
			"RoleArn": roleARN, "RoleSessionName": "alice", "ExternalId": "ext-42",
		}},
		"chained role": {chainedRequest(), map[string]string{
			"Action": "AssumeRole", "Version": "2011-06-15", "DurationSeconds": "3600",
			"RoleArn": roleARN, "RoleSessionName": "alice", "ExternalId": "ext-42",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen *http.Request
			server := serve(t, func(w http.ResponseWriter, r *http.Request) { issue(w, r); seen = r })
			got := newTestClient(t, server.URL).Call(t.Context(), test.request)
			if KindOf(got.Err) != None || DeliveryOf(got.Err) != Answered || got.Err != nil {
				t.Fatalf("%+v", got)
			}
			if got.Credentials.AccessKeyID != "ASIAEXAMPLEEXAMPLE00" || got.Credentials.SecretAccessKey.Reveal() != "issuedSecret" || got.Credentials.SessionToken.Reveal() != "issuedToken" {
				t.Errorf("credentials %+v", got.Credentials)
			}
			if left := time.Until(got.Credentials.Expiration); left > test.request.Duration || left < test.request.Duration-time.Minute {
				t.Errorf("expires in %s", left)
			}
			if len(seen.Form) != len(test.form) {
				t.Errorf("form has fields %v", seen.Form)
			}
			for field, value := range test.form {
				if seen.Form.Get(field) != value {
					t.Errorf("%s is %q, want %q", field, seen.Form.Get(field), value)
				}
			}
			if token := seen.Header.Get("X-Amz-Security-Token"); token != test.request.Token.Reveal() {
				t.Errorf("session token header %q", token)
			}
			if !strings.Contains(seen.UserAgent(), "aws-mfa-creds") {
				t.Errorf("user agent %q", seen.UserAgent())
			}
			if !seen.Close {
				t.Error("keeps the connection")
			}
			if server.connections.Load() != 1 || server.requests.Load() != 1 {
				t.Errorf("%d connections, %d requests", server.connections.Load(), server.requests.Load())
			}
		})
	}
}

// TestSignatureIsForTheCorrectedTime makes the signature again with the same
// signer, from what arrived and the time that should have been used.
func TestSignatureIsForTheCorrectedTime(t *testing.T) {
	t.Parallel()
	clock := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, skew := range []time.Duration{0, 3 * time.Hour, -400 * 24 * time.Hour} {
		request := chainedRequest()
		request.Skew = skew
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			want := r.Clone(r.Context())
			want.URL.Scheme, want.URL.Host = "http", r.Host
			sent := r.Header.Get("Authorization")
			_, names, _ := strings.Cut(sent, "SignedHeaders=")
			names, _, _ = strings.Cut(names, ",")
			want.Header = http.Header{}
			for _, name := range strings.Split(names, ";") {
				if name != "host" && name != "content-length" {
					want.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
				}
			}
			hash := bodyHash(r)
			key := aws.Credentials{AccessKeyID: request.Key.ID, SecretAccessKey: canaryKey, SessionToken: canaryToken}
			if err := v4.NewSigner().SignHTTP(r.Context(), key, want, hash, "sts", "eu-west-1", clock.Add(skew)); err != nil {
				t.Error(err)
			}
			if got := want.Header.Get("Authorization"); got != sent {
				t.Errorf("skew %s: authorization\n%s, want\n%s", skew, sent, got)
			}
			if got, want := r.Header.Get("X-Amz-Date"), clock.Add(skew).Format("20060102T150405Z"); got != want {
				t.Errorf("skew %s: signed for %s, want %s", skew, got, want)
			}
			write(w, http.StatusForbidden, refusalXML("AccessDenied", "no"))
		})
		client := newTestClient(t, server.URL, func(o *Options) { o.Now = func() time.Time { return clock } })
		client.Call(t.Context(), request)
		if server.requests.Load() != 1 {
			t.Errorf("skew %s: %d requests", skew, server.requests.Load())
		}
	}
}

func TestServerTime(t *testing.T) {
	t.Parallel()
	date := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]struct {
		status       int
		body         string
		header       http.Header
		wantMeasured bool
	}{
		"success":             {200, success("GetSessionToken", date.Add(time.Hour)), http.Header{"Date": {date.Format(http.TimeFormat)}}, true},
		"refusal":             {403, refusalXML("AccessDenied", "no"), http.Header{"Date": {date.Format(http.TimeFormat)}}, true},
		"unavailable":         {503, refusalXML("ServiceUnavailable", "no"), http.Header{"Date": {date.Format(http.TimeFormat)}}, true},
		"of 1960":             {200, success("GetSessionToken", time.Now().Add(time.Hour)), http.Header{"Date": {"Fri, 01 Jan 1960 00:00:00 GMT"}}, false},
		"of 9999":             {403, refusalXML("AccessDenied", "no"), http.Header{"Date": {"Fri, 01 Jan 9999 00:00:00 GMT"}}, false},
		"unreadable":          {403, refusalXML("AccessDenied", "no"), http.Header{"Date": {"yesterday"}}, false},
		"none":                {403, refusalXML("AccessDenied", "no"), http.Header{"Date": nil}, false},
		"from a cache":        {403, refusalXML("AccessDenied", "no"), http.Header{"Date": {date.Format(http.TimeFormat)}, "Age": {"7"}}, false},
		"from somebody else":  {200, "<html>", http.Header{"Date": {date.Format(http.TimeFormat)}}, false},
		"from a broken proxy": {502, "<html>", http.Header{"Date": {date.Format(http.TimeFormat)}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for key, values := range test.header {
					w.Header()[key] = values
				}
				write(w, test.status, test.body)
			})
			before := time.Now()
			got := newTestClient(t, server.URL).Call(t.Context(), sessionRequest())
			if !test.wantMeasured {
				if !got.ServerTime.IsZero() || !got.LocalTime.IsZero() || test.status == 200 && test.body != "<html>" && got.Err != nil {
					t.Errorf("server %s, local %s, %v", got.ServerTime, got.LocalTime, got.Err)
				}
				return
			}
			if want := date.Add(500 * time.Millisecond); !got.ServerTime.Equal(want) {
				t.Errorf("server time %s, want %s", got.ServerTime, want)
			}
			if got.LocalTime.Before(before) || got.LocalTime.After(time.Now()) {
				t.Errorf("local time %s is outside of the call", got.LocalTime)
			}
		})
	}
}

func TestLocalTimeIsTheMiddleOfTheRoundTrip(t *testing.T) {
	t.Parallel()
	clock := &steppedClock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		clock.advance(10 * time.Second)
		write(w, http.StatusForbidden, refusalXML("AccessDenied", "no"))
	})
	client := newTestClient(t, server.URL, func(o *Options) { o.Now = clock.now })
	got := client.Call(t.Context(), sessionRequest())
	if want := time.Date(2026, 1, 1, 0, 0, 5, 0, time.UTC); !got.LocalTime.Equal(want) {
		t.Errorf("local time %s, want %s", got.LocalTime, want)
	}
}

type steppedClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *steppedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *steppedClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestUnusableCredentials(t *testing.T) {
	t.Parallel()
	now := time.Now()
	whole := []string{"AccessKeyId", "ASIA1", "SecretAccessKey", "s", "SessionToken", "t", "Expiration", now.Add(time.Hour).UTC().Format(time.RFC3339)}
	without := func(i int) string { return fields(append(append([]string{}, whole[:2*i]...), whole[2*i+2:]...)...) }
	expiring := func(d time.Duration) string {
		return fields(append(append([]string{}, whole[:6]...), "Expiration", now.Add(d).UTC().Format(time.RFC3339))...)
	}
	const ours, foreign = "arn:aws:sts::210987654321:assumed-role/deploy/alice", "arn:aws:sts::666666666666:assumed-role/deploy/alice"
	tests := map[string]struct {
		request Request
		body    string
		line    string
	}{
		"no key id":       {sessionRequest(), envelope("GetSessionToken", without(0), ""), "AccessKeyId is empty"},
		"no secret":       {sessionRequest(), envelope("GetSessionToken", without(1), ""), "SecretAccessKey is empty"},
		"no token":        {sessionRequest(), envelope("GetSessionToken", without(2), ""), "SessionToken is empty"},
		"no expiration":   {sessionRequest(), envelope("GetSessionToken", without(3), ""), "incomplete"},
		"nothing":         {sessionRequest(), "<GetSessionTokenResponse " + namespace + "><GetSessionTokenResult/></GetSessionTokenResponse>", "incomplete"},
		"bare":            {sessionRequest(), "<GetSessionTokenResponse/>", "form"},
		"bad expiration":  {sessionRequest(), envelope("GetSessionToken", fields("Expiration", "soon"), ""), "form"},
		"expired":         {sessionRequest(), envelope("GetSessionToken", expiring(-time.Minute), ""), "have expired"},
		"too long":        {sessionRequest(), envelope("GetSessionToken", expiring(13*time.Hour), ""), "longer"},
		"foreign account": {chainedRequest(), envelope("AssumeRole", fields(whole...), foreign), "another account"},
		"no session ARN":  {chainedRequest(), envelope("AssumeRole", fields(whole...), ""), "another account"},
		"another role":    {chainedRequest(), envelope("AssumeRole", fields(whole...), "arn:aws:sts::210987654321:assumed-role/admin/alice"), "another role"},
		"a user":          {chainedRequest(), envelope("AssumeRole", fields(whole...), "arn:aws:iam::210987654321:user/deploy"), "another role"},
		"good session":    {sessionRequest(), envelope("GetSessionToken", fields(whole...), ""), ""},
		"good role":       {chainedRequest(), envelope("AssumeRole", fields(whole...), ours), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, test.body) })
			got := newTestClient(t, server.URL).Call(t.Context(), test.request)
			if test.line == "" {
				if KindOf(got.Err) != None {
					t.Errorf("%+v", got)
				}
				return
			}
			want{ServerError, fault.Refused, Answered, []string{server.Listener.Addr().String(), test.line}}.check(t, got)
			if got.ServerTime.IsZero() {
				t.Error("no server time")
			}
		})
	}
}

// TestExpirationIsJudgedByAWSClock has a machine whose clock is 30 h off.
func TestExpirationIsJudgedByAWSClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-30 * time.Hour, 30 * time.Hour} {
		server := serve(t, issue)
		client := newTestClient(t, server.URL, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(off) } })
		got := client.Call(t.Context(), sessionRequest())
		if KindOf(got.Err) != None {
			t.Errorf("clock off by %s: %v", off, got.Err)
		}
		if skew := got.ServerTime.Sub(got.LocalTime) + off; skew.Abs() > 2*time.Second {
			t.Errorf("clock off by %s: measured with an error of %s", off, skew)
		}
	}
}

func TestCallerEndsTheCall(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	arrived := make(chan struct{}, 1)
	server := serve(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-hang })
	t.Cleanup(func() { close(hang) })

	t.Run("cancelled after sending", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		got := newTestClient(t, server.URL).Call(ctx, sessionRequest())
		want{Lost, fault.Network, Unknown, []string{"interrupted while waiting for the response"}}.check(t, got)
		if !errors.Is(got.Err, context.Canceled) {
			t.Error("does not wrap context.Canceled")
		}
	})
	t.Run("deadline after sending", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		got := newTestClient(t, server.URL).Call(ctx, sessionRequest())
		want{Lost, fault.Deadline, Unknown, []string{"time limit of the run expired while waiting"}}.check(t, got)
		if !errors.Is(got.Err, context.DeadlineExceeded) {
			t.Error("does not wrap context.DeadlineExceeded")
		}
	})
	t.Run("cancelled before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got := newTestClient(t, server.URL).Call(ctx, sessionRequest())
		want{Unreachable, fault.Network, Unsent, []string{"interrupted while connecting"}}.check(t, got)
		if !errors.Is(got.Err, context.Canceled) {
			t.Error("does not wrap context.Canceled")
		}
	})
}

// TestCallsInParallel is for the race detector.
func TestCallsInParallel(t *testing.T) {
	t.Parallel()
	server := serve(t, issue)
	client := newTestClient(t, server.URL)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if got := client.Call(t.Context(), sessionRequest()); KindOf(got.Err) != None {
				t.Error(got.Err)
			}
		})
	}
	wg.Wait()
	if server.requests.Load() != 30 || server.connections.Load() != 30 {
		t.Errorf("%d requests, %d connections", server.requests.Load(), server.connections.Load())
	}
}

// TestUnbuildableRequest has the SDK fail before it sends anything, with an
// error that quotes what it was given.
func TestUnbuildableRequest(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, "http://127.0.0.1:1")
	k := client.newCall(t.Context(), sts, task{action: "GetSessionToken", Request: sessionRequest()})
	_, err := do(t.Context(), k, func(*call) (*struct{}, error) { return nil, errors.New("cannot send " + canaryCode) })
	want{Refused, fault.Internal, Unsent, []string{"GetSessionToken request could not be built"}}.checkError(t, err)
}
