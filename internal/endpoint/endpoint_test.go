package endpoint

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const (
	canary = "canary-secret-access-key"
	role   = "arn:aws:iam::123456789012:role/app"
)

// sessions is a source whose sessions last for an hour.
type sessions struct {
	mu    sync.Mutex
	asked map[string]int
	fails error
	slow  time.Duration
	long  int // the session token
}

func (s *sessions) get(_ context.Context, profile string, _ Session) (Session, error) {
	time.Sleep(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[profile]++
	if s.fails != nil {
		return Session{}, s.fails
	}
	got := Session{ID: profile, RoleARN: role, Left: time.Hour}
	got.Credentials = creds.Credentials{
		AccessKeyID: "ASIA" + profile[:1], SecretAccessKey: creds.NewSecret(canary), SessionToken: creds.NewSecret("token" + strings.Repeat("x", s.long)), Expiration: time.Now().Add(time.Hour),
	}
	return got, nil
}

func (s *sessions) times(profile string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[profile]
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func started(t *testing.T, from *sessions) (*Server, *lines) {
	t.Helper()
	from.asked = map[string]int{}
	log := &lines{}
	s, err := Start(t.Context(), Options{Profiles: []string{"work", "a-b/c d"}, Source: from.get, Now: time.Now, Log: log.add}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

func newNotes(write func(string)) *notes {
	return &notes{now: time.Now, write: write, last: map[string]time.Time{}}
}

func ask(t *testing.T, uri string, change func(*http.Request)) (status int, header http.Header, body map[string]string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, uri, nil)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 0 && json.Unmarshal(text, &body) != nil {
		t.Errorf("%d: no JSON: %s", response.StatusCode, text)
	}
	return response.StatusCode, response.Header, body
}

func TestServesAsECSDoes(t *testing.T) {
	t.Parallel()
	s, _ := started(t, &sessions{})
	for profile, path := range map[string]string{"work": "/work", "a-b/c d": "/a-b%2Fc%20d"} {
		if !strings.HasSuffix(s.URI(profile), path) {
			t.Error(s.URI(profile))
		}
		status, header, body := ask(t, s.URI(profile), func(r *http.Request) { r.Header.Set("Authorization", s.Token().Reveal()) })
		if status != http.StatusOK || body["AccessKeyId"] != "ASIA"+profile[:1] || body["SecretAccessKey"] != canary || body["Token"] != "token" || body["RoleArn"] != role {
			t.Errorf("%d: %v", status, body)
		}
		if _, err := time.Parse(time.RFC3339, body["Expiration"]); err != nil {
			t.Error(err)
		}
		for name := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("it has the CORS header %s", name)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s, log := started(t, &sessions{})
	ours := func(r *http.Request) { r.Header.Set("Authorization", s.Token().Reveal()) }
	with := func(more func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) { ours(r); more(r) }
	}
	header := func(name, value string) func(*http.Request) {
		return with(func(r *http.Request) { r.Header.Set(name, value) })
	}
	host := func(name string) func(*http.Request) { return with(func(r *http.Request) { r.Host = name }) }
	for _, c := range []struct {
		name, path string
		change     func(*http.Request)
		status     int
	}{
		{"right", "/work", ours, 200},
		{"no token", "/work", func(*http.Request) {}, 401},
		{"wrong token", "/work", header("Authorization", s.Token().Reveal()[1:]+"x"), 401},
		{"longer token", "/work", header("Authorization", s.Token().Reveal()+"x"), 401},
		{"other form", "/work", header("Authorization", "Bearer "+s.Token().Reveal()), 401},
		{"no such path", "/nope", ours, 404},
		{"no such path, no token", "/nope", func(*http.Request) {}, 401},
		{"root", "/", ours, 404},
		{"path below", "/work/x", ours, 404},
		{"rebound name", "/work", host("rebound.example:80"), 403},
		{"address elsewhere", "/work", host("192.0.2.1"), 403},
		{"this computer", "/work", host("localhost:1"), 200},
		{"IPv6", "/work", host("[::1]:80"), 200},
		{"of ECS", "/work", host("169.254.170.2"), 200},
		{"web page", "/work", header("Origin", "http://127.0.0.1"), 403},
		{"browser", "/work", header("Sec-Fetch-Site", "none"), 403},
		{"POST", "/work", with(func(r *http.Request) { r.Method = http.MethodPost }), 405},
		{"preflight", "/work", with(func(r *http.Request) { r.Method = http.MethodOptions }), 405},
		{"health", "/-/health", func(*http.Request) {}, 200},
		{"health of another name", "/-/health", host("rebound.example"), 403},
		{"ready", "/-/ready", func(*http.Request) {}, 200},
	} {
		if c.name == "ready" {
			s.Settle(t.Context())
		}
		for range 2 {
			status, _, body := ask(t, strings.TrimSuffix(s.URI("work"), "/work")+c.path, c.change)
			if status != c.status {
				t.Errorf("%s: %d: %v", c.name, status, body)
			}
			if refused := c.status >= 400; refused && (body["code"] == "" || body["message"] == "" || body["Code"] != body["code"] || body["Message"] != body["message"]) || refused && body["SecretAccessKey"] != "" {
				t.Errorf("%s: %v", c.name, body)
			}
		}
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if len(log.all) != 6 { // no token, wrong token, path, host, page, method
		t.Errorf("%d lines: %q", len(log.all), log.all)
	}
}

// TestOneLookForAll has many ask at once, and again a second later.
func TestOneLookForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := &sessions{asked: map[string]int{}, slow: 3 * time.Second}
		d := newDesk(Options{Profiles: []string{"work"}, Source: from.get, Now: time.Now}, newNotes(func(string) {}))
		h := d.all["work"]
		ctx, cancel := context.WithCancel(t.Context())
		defer time.Sleep(time.Minute)
		defer cancel()
		go d.keep(ctx, h)
		all := func(wait time.Duration) {
			began := time.Now()
			var group sync.WaitGroup
			for range 200 {
				group.Go(func() {
					if json, err := d.session(ctx, h); err != nil || !strings.Contains(string(json), canary) {
						t.Errorf("%s, %v", json, err)
					}
				})
			}
			if group.Wait(); time.Since(began) != wait {
				t.Errorf("after %v, want %v", time.Since(began), wait)
			}
		}
		all(3 * time.Second) // nothing in hand
		all(0)
		time.Sleep(2 * time.Second)
		all(patience) // the old one while it is looked for
		time.Sleep(3 * time.Second)
		if got := from.times("work"); got != 2 {
			t.Errorf("%d looks", got)
		}
		time.Sleep(keepEvery + 3*time.Second)
		if got := from.times("work"); got != 3 {
			t.Errorf("%d looks with nobody asking", got)
		}
		d.forget()
		all(3 * time.Second)
	})
}

// TestClockSteps lets nobody have an old session whose end cannot be told.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{-time.Hour, time.Hour, 59 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			from := &sessions{asked: map[string]int{}}
			var ahead time.Duration
			d := newDesk(Options{Profiles: []string{"work"}, Source: from.get, Now: func() time.Time { return time.Now().Add(ahead) }}, newNotes(func(string) {}))
			h := d.all["work"]
			d.lookAt(t.Context(), h)
			ahead, from.fails, from.slow = step, errors.New("gone"), time.Second
			ctx, cancel := context.WithCancel(t.Context())
			defer time.Sleep(time.Minute)
			defer cancel()
			go d.keep(ctx, h)
			if json, err := d.session(ctx, h); err == nil {
				t.Errorf("after a step of %v: %s", step, json)
			}
		})
	}
}

func TestFailuresAreTold(t *testing.T) {
	t.Parallel()
	from := &sessions{fails: fault.New(fault.Refused, "profile work", "rotate it", "AWS refused the access key")}
	s, log := started(t, from)
	for range 3 {
		status, _, body := ask(t, s.URI("work"), func(r *http.Request) { r.Header.Set("Authorization", s.Token().Reveal()) })
		if status != http.StatusInternalServerError || !strings.Contains(body["message"], "refused the access key") {
			t.Errorf("%d: %v", status, body)
		}
	}
	if status, _, _ := ask(t, strings.TrimSuffix(s.URI("work"), "/work")+readyPath, func(*http.Request) {}); status != http.StatusServiceUnavailable {
		t.Errorf("ready: %d", status)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if len(log.all) != 2 { // one for each profile
		t.Errorf("%q", log.all)
	}
}

func TestSourceThatPanics(t *testing.T) {
	t.Parallel()
	d := newDesk(Options{Source: func(context.Context, string, Session) (Session, error) { panic(canary) }}, nil)
	if _, _, err := d.ask(t.Context(), "work", Session{}); fault.KindOf(err) != fault.Internal || strings.Contains(fault.Line(err), canary) {
		t.Error(err)
	}
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]bool{ // with a token, without
		"127.0.0.1:0": {true, false}, "[::1]:80": {true, false}, "127.9.9.9:80": {true, false}, "[::ffff:127.0.0.1]:80": {true, false},
		"169.254.170.2:80": {true, true}, "169.254.170.23:80": {true, true}, "[fd00:ec2::23]:80": {true, true},
		"0.0.0.0:80": {}, "[::]:80": {}, ":80": {}, "192.168.0.1:80": {}, "169.254.170.3:80": {}, "localhost:80": {}, "127.0.0.1": {}, "": {},
	} {
		for i, token := range []bool{true, false} {
			if err := CheckAddress(address, token); (err == nil) != want[i] || err != nil && fault.KindOf(err) != fault.Usage {
				t.Errorf("%s, token %t: %v", address, token, err)
			}
		}
	}
}

// TestRefusalsHideNothing: however many strangers are refused, what goes wrong with a session is told.
func TestRefusalsHideNothing(t *testing.T) {
	t.Parallel()
	log := &lines{}
	from := &sessions{asked: map[string]int{}, fails: fault.New(fault.Refused, "profile work", "", "AWS refused the access key")}
	s := New(Options{Profiles: []string{"work"}, Source: from.get, Now: time.Now, Log: log.add}, nil)
	for i := range 2 * maxNotes {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://rebound.example/work", nil)
		r.RemoteAddr = fmt.Sprintf("127.0.%d.%d:80", i/256, i%256)
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
	s.desk.lookAt(t.Context(), s.desk.all["work"])
	if last := log.all[len(log.all)-1]; !strings.Contains(last, "refused the access key") {
		t.Errorf("the last of %d lines: %s", len(log.all), last)
	}
}

// TestNotes lets strangers write neither many lines nor much into memory.
func TestNotes(t *testing.T) {
	t.Parallel()
	now, log := time.Unix(1e9, 0), &lines{}
	n := &notes{now: func() time.Time { return now }, write: log.add, last: map[string]time.Time{}}
	for i := range 10 * maxNotes {
		n.add(string(rune(i+1000)), "line\x1b")
	}
	if len(log.all) != maxNotes || len(n.last) != maxNotes || strings.Contains(log.all[0], "\x1b") {
		t.Errorf("%d lines, %d remembered, %q", len(log.all), len(n.last), log.all[0])
	}
	now = now.Add(noteAgain)
	if n.add("new", "new"); len(log.all) != maxNotes+1 || len(n.last) != 1 {
		t.Errorf("%d lines, %d remembered", len(log.all), len(n.last))
	}
}
