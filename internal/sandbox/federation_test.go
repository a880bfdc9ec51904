package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestFederation asks for sign-in tokens with sessions of all kinds.
func TestFederation(t *testing.T) {
	t.Parallel()
	s, err := Start(Options{Now: time.Now, Rand: strings.NewReader(strings.Repeat("x", 32))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.mu.Lock()
	for id, kind := range map[string]session{
		"DIRECT": {role: "deploy"}, "CHAINED": {role: "deploy", chained: true}, "BASE": {user: "alice", mfa: true}, "OLD": {role: "deploy", expires: time.Now().Add(-time.Second)},
	} {
		kind.keyID, kind.secret, kind.token = id, "secret", "token"
		if kind.expires.IsZero() {
			kind.expires = time.Now().Add(time.Hour)
		}
		s.sessions[id] = &kind
	}
	s.mu.Unlock()
	ask := func(query url.Values) (int, string, string) {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Get(s.URL() + "/federation?" + query.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var given struct{ SigninToken string }
		_ = json.NewDecoder(resp.Body).Decode(&given)
		return resp.StatusCode, given.SigninToken, resp.Header.Get("Location")
	}
	var token string
	for _, test := range []struct {
		session, duration string
		status            int
	}{
		{`{"sessionId":"DIRECT","sessionKey":"secret","sessionToken":"token"}`, "", 200},
		{`{"sessionId":"DIRECT","sessionKey":"secret","sessionToken":"token"}`, "43200", 200},
		{`{"sessionId":"DIRECT","sessionKey":"secret","sessionToken":"token"}`, "43201", 400},
		{`{"sessionId":"DIRECT","sessionKey":"secret","sessionToken":"token"}`, "899", 400},
		{`{"sessionId":"DIRECT","sessionKey":"secret","sessionToken":"token"}`, "1h", 400},
		{`{"sessionId":"CHAINED","sessionKey":"secret","sessionToken":"token"}`, "", 200},
		{`{"sessionId":"CHAINED","sessionKey":"secret","sessionToken":"token"}`, "3600", 400},
		{`{"sessionId":"BASE","sessionKey":"secret","sessionToken":"token"}`, "", 400},
		{`{"sessionId":"OLD","sessionKey":"secret","sessionToken":"token"}`, "", 400},
		{`{"sessionId":"NONE","sessionKey":"secret","sessionToken":"token"}`, "", 400},
		{`{"sessionId":"DIRECT","sessionKey":"wrong","sessionToken":"token"}`, "", 400},
		{`{"sessionId":"DIRECT","sessionKey":"secret","sessionToken":"wrong"}`, "", 400},
		{`{"SessionId":"DIRECT","sessionKey":"secret","sessionToken":"token"}`, "", 400},
		{`{"sessionId":"DIRECT","sessionKey":"secret","sessionToken":"token","more":""}`, "", 400},
		{`{"sessionId":"DIRECT"`, "", 400},
		{"", "", 400},
	} {
		query := url.Values{"Action": {"getSigninToken"}, "Session": {test.session}}
		if test.duration != "" {
			query.Set("SessionDuration", test.duration)
		}
		status, given, _ := ask(query)
		if status != test.status || (given != "") != (status == 200) {
			t.Errorf("%s, %s: HTTP %d", test.session, test.duration, status)
		}
		if given != "" {
			token = given
		}
	}
	for page, status := range map[string]int{
		"https://console.aws.amazon.com/s3/home?region=x": 302, "https://console.amazonaws.cn/": 400, "http://console.aws.amazon.com/": 400, "https://evil.example/": 400,
	} {
		got, _, to := ask(url.Values{"Action": {"login"}, "Issuer": {"x"}, "Destination": {page}, "SigninToken": {token}})
		if got != status || status == 302 && to != page {
			t.Errorf("%s: HTTP %d to %s", page, got, to)
		}
	}
	s.SetClockOffset(16 * time.Minute)
	if status, _, _ := ask(url.Values{"Action": {"login"}, "Issuer": {"x"}, "Destination": {"https://console.aws.amazon.com/"}, "SigninToken": {token}}); status != 400 {
		t.Errorf("a token of 16 minutes ago: HTTP %d", status)
	}
}
