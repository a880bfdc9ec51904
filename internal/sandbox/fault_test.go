package sandbox

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func inject(t *testing.T, server *Server, fault Fault) {
	t.Helper()
	if err := server.Inject(fault); err != nil {
		t.Fatal(err)
	}
}

func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault   Fault
		status  int
		code    string
		message string
	}{
		{Fault{Kind: Throttle}, 400, "Throttling", "Rate exceeded"},
		{Fault{Kind: TooManyRequests}, 429, "Throttling", "Rate exceeded"},
		{Fault{Kind: InternalFailure}, 500, "InternalFailure", "unknown error"},
		{Fault{Kind: Unavailable}, 503, "ServiceUnavailable", "temporary failure"},
		{Fault{Kind: Refuse, Code: "RegionDisabledException", Message: "STS is not activated in this region"}, 403, "RegionDisabledException", "STS is not"},
	} {
		server, alice, _ := newSTS(t, Options{})
		inject(t, server, test.fault)
		got := alice.do("GetCallerIdentity")
		got.want(t, test.status, test.code, test.message)
		if kind := got.Error.Type; (kind == "Receiver") != (test.status >= 500) {
			t.Errorf("%s: type %s", test.fault.Kind, kind)
		}
		if got.header.Get("Date") == "" || got.header.Get("x-amzn-RequestId") == "" {
			t.Errorf("%s: header %v", test.fault.Kind, got.header)
		}
		alice.do("GetCallerIdentity").wantOK(t)
		if count := server.State().Count("GetCallerIdentity"); count != (Count{Calls: 2, Accepted: 1, Faulted: 1}) {
			t.Errorf("%s: %+v", test.fault.Kind, count)
		}
	}
}

func TestFaultQueue(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{})
	inject(t, server, Fault{Kind: Throttle, Action: "GetSessionToken", Skip: 1, Times: 2})
	inject(t, server, Fault{Kind: Unavailable, Action: "GetUser", Times: -1})
	var got []int
	for range 5 {
		got = append(got, alice.do("GetSessionToken").status)
	}
	for i, want := range []int{200, 400, 400, 200, 200} {
		if got[i] != want {
			t.Errorf("call %d: %d, want %d", i, got[i], want)
		}
	}
	for range 3 {
		alice.do("GetUser").want(t, 503, "ServiceUnavailable", "")
	}
	server.ClearFaults()
	alice.do("GetUser").wantOK(t)
	if server.Inject(Fault{Kind: "unheard-of"}) == nil || server.Inject(Fault{Kind: Rewrite}) == nil {
		t.Error("a fault that cannot be was taken")
	}
}

// TestResets: before processing the code is free, after it is spent.
func TestResets(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		for kind, spent := range map[Kind]bool{ResetBefore: false, ResetAfter: true} {
			server, alice, _ := newSTS(t, Options{TLS: secure})
			inject(t, server, Fault{Kind: kind})
			r := alice.request("GetSessionToken", "SerialNumber", laptop, "TokenCode", alice.code(laptop, 0))
			r.GetBody = nil // or the transport sends it again
			if _, err := alice.send(r); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
				t.Errorf("%s, TLS %t: %v", kind, secure, err)
			}
			if server.State().Count("GetSessionToken").Calls != 1 {
				t.Fatalf("%s, TLS %t: %+v", kind, secure, server.State().Actions)
			}
			got := alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", alice.code(laptop, 0))
			if (got.status == 403) != spent {
				t.Errorf("%s, TLS %t: then %d", kind, secure, got.status)
			}
			if n := len(server.State().Repeated()); n != 1 {
				t.Errorf("%s: %d repeated codes, want 1", kind, n)
			}
		}
	}
}

// TestHang: a call that hangs ends with its client, or with the server.
func TestHang(t *testing.T) {
	t.Parallel()
	for kind, accepted := range map[Kind]int{Hang: 0, HangAfter: 1} {
		server, alice, _ := newSTS(t, Options{})
		inject(t, server, Fault{Kind: kind, Times: 2})
		ctx, cancel := context.WithCancel(t.Context())
		for calls, end := range []func(){cancel, server.Close} {
			failed := make(chan error, 1)
			go func() {
				_, err := alice.send(alice.request("GetCallerIdentity").WithContext(ctx))
				failed <- err
			}()
			awaitCalls(t, server, "GetCallerIdentity", calls+1)
			end()
			if <-failed == nil {
				t.Errorf("%s: an answer", kind)
			}
			ctx = t.Context()
		}
		if got := server.State().Count("GetCallerIdentity").Accepted; got != 2*accepted {
			t.Errorf("%s: %d accepted", kind, got)
		}
	}
}

// awaitCalls waits until n calls of an action have arrived.
func awaitCalls(t *testing.T, server *Server, action string, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); server.State().Count(action).Calls < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s has not been called %d times", action, n)
		}
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{Latency: 20 * time.Millisecond})
	inject(t, server, Fault{Kind: Slow, Delay: 30 * time.Millisecond})
	for _, least := range []time.Duration{50 * time.Millisecond, 20 * time.Millisecond} {
		before := time.Now()
		alice.do("GetCallerIdentity").wantOK(t)
		if took := time.Since(before); took < least {
			t.Errorf("answered after %s, want at least %s", took, least)
		}
	}
}

func TestWrongContent(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{})
	inject(t, server, Fault{Kind: Portal})
	if got := alice.do("GetCallerIdentity"); got.status != 200 || !strings.Contains(got.header.Get("Content-Type"), "text/html") || !strings.Contains(got.body, "<html>") {
		t.Errorf("portal: %d %s", got.status, got.header.Get("Content-Type"))
	}
	inject(t, server, Fault{Kind: PortalRedirect})
	got := alice.do("GetCallerIdentity")
	page, err := alice.client.Get(got.header.Get("Location"))
	if got.status != http.StatusFound || err != nil || page.StatusCode != http.StatusOK {
		t.Errorf("redirect: %d to %q, %v", got.status, got.header.Get("Location"), err)
	}
	page.Body.Close()
	inject(t, server, Fault{Kind: NoDate})
	if got := alice.do("GetCallerIdentity").wantOK(t); got.header.Get("Date") != "" {
		t.Errorf("Date %q", got.header.Get("Date"))
	}
	inject(t, server, Fault{Kind: Rewrite, Rewrite: func(b []byte) []byte {
		return []byte(strings.ReplaceAll(string(b), "123456789012", "999999999999"))
	}})
	if got := alice.do("GetCallerIdentity").wantOK(t); got.Account != "999999999999" {
		t.Errorf("account %s", got.Account)
	}
	inject(t, server, Fault{Kind: Truncate})
	if _, err := alice.send(alice.request("GetCallerIdentity")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("truncated: %v", err)
	}
}

func TestBigAnswers(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{})
	inject(t, server, Fault{Kind: Huge})
	if n := size(t, alice, false); n < hugeSize {
		t.Errorf("huge: %d bytes", n)
	}
	inject(t, server, Fault{Kind: GzipBomb})
	packed := size(t, alice, false)
	inject(t, server, Fault{Kind: GzipBomb})
	unpacked := size(t, alice, true)
	if packed > 2<<20 || unpacked != bombMember*bombMembers {
		t.Errorf("the bomb: %d bytes, unpacked %d", packed, unpacked)
	}
}

func size(t *testing.T, u *user, unzip bool) int64 {
	t.Helper()
	r := u.request("GetCallerIdentity")
	r.Header.Set("Accept-Encoding", "gzip") // keeps the transport from unpacking
	response, err := u.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body := io.Reader(response.Body)
	if unzip {
		if body, err = gzip.NewReader(response.Body); err != nil {
			t.Fatal(err)
		}
	}
	n, err := io.Copy(io.Discard, body)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	for kind, check := range map[Certificate]func(error) bool{
		ValidCertificate: func(err error) bool { return err == nil },
		ExpiredCertificate: func(err error) bool {
			e, ok := errors.AsType[x509.CertificateInvalidError](err)
			return ok && e.Reason == x509.Expired
		},
		WrongHostCertificate: func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok },
	} {
		server := startServer(t, Options{TLS: true, Certificate: kind})
		alice := newUser(t, server, "alice")
		if _, err := alice.send(alice.request("GetCallerIdentity")); !check(err) {
			t.Errorf("certificate %d: %v", kind, err)
		}
		alice.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}
		if _, err := alice.send(alice.request("GetCallerIdentity")); err == nil {
			t.Errorf("certificate %d: trusted without its CA", kind)
		}
	}
}

// TestStateTellsNoSecret looks for all there is to leak in a state.
func TestStateTellsNoSecret(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{})
	code := alice.code(laptop, 0)
	session := alice.as(alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", code))
	body, err := json.Marshal(server.State())
	if err != nil || !strings.Contains(string(body), `"Outcome":"accepted"`) || !strings.Contains(string(body), laptop) {
		t.Fatalf("state: %s, %v", body, err)
	}
	world := server.World()
	for name, secret := range map[string]string{
		"seed": world.Device(laptop).Seed, "code": `"` + code + `"`, "secret key": alice.secret, "session's secret key": session.secret, "token": session.token,
	} {
		if strings.Contains(string(body), secret) {
			t.Errorf("the state tells the %s", name)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	clock := newClock()
	good := Options{Now: clock.Now, Rand: strings.NewReader(strings.Repeat("x", 32))}
	for name, spoil := range map[string]func(*Options){
		"no clock":      func(o *Options) { o.Now = nil },
		"no randomness": func(o *Options) { o.Rand = strings.NewReader("short") },
		"all addresses": func(o *Options) { o.Addr = "0.0.0.0:0" },
		"another host":  func(o *Options) { o.Addr = "192.0.2.1:0" },
		"no port":       func(o *Options) { o.Addr = "127.0.0.1" },
		"bad seed":      func(o *Options) { o.World = DefaultWorld(); o.World.Devices[0].Seed = "0189" },
	} {
		options := good
		options.Rand = strings.NewReader(strings.Repeat("x", 32))
		spoil(&options)
		if server, err := Start(options); err == nil {
			server.Close()
			t.Errorf("%s: started", name)
		}
	}
}

// TestSameSeedSameWorld: what the sandbox makes up follows from Options.Rand.
func TestSameSeedSameWorld(t *testing.T) {
	t.Parallel()
	begin := func() World {
		return startServer(t, Options{Rand: strings.NewReader(strings.Repeat("x", 32))}).World()
	}
	a, b := begin(), begin()
	if a.Users[0].Keys[0].ID != b.Users[0].Keys[0].ID || a.Devices[0].Seed != b.Devices[0].Seed {
		t.Error("two worlds from one source of randomness differ")
	}
}

// TestCrowd: 500 connections at once, each with the same code; one wins, and
// nobody is dropped.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const crowd = 500
	server, alice, _ := newSTS(t, Options{TLS: true, Latency: 50 * time.Millisecond})
	code := alice.code(laptop, 0)
	request := func() *http.Request {
		return alice.request("GetSessionToken", "SerialNumber", laptop, "TokenCode", code)
	}
	results := make(chan int, crowd)
	var ready, done sync.WaitGroup
	ready.Add(1)
	for range crowd {
		done.Go(func() {
			transport := &http.Transport{TLSClientConfig: trusting(server), DialContext: (&net.Dialer{}).DialContext}
			defer transport.CloseIdleConnections()
			own := *alice
			own.client = &http.Client{Transport: transport}
			ready.Wait()
			got, err := own.send(request())
			if err != nil {
				t.Error(err)
			}
			results <- got.status
		})
	}
	for range 10 { // readers and writers beside them
		done.Go(func() {
			ready.Wait()
			_, _ = server.State(), server.World()
			_ = server.Update(func(w *World) { w.User("alice").RequireMFA = false })
		})
	}
	ready.Done()
	done.Wait()
	close(results)
	count := map[int]int{}
	for status := range results {
		count[status]++
	}
	state := server.State()
	if count[200] != 1 || count[403] != crowd-1 || state.Connections != crowd {
		t.Errorf("statuses %v, %d connections", count, state.Connections)
	}
	if got := state.Count("GetSessionToken"); got != (Count{Calls: crowd, Accepted: 1, Refused: crowd - 1}) {
		t.Errorf("count %+v", got)
	}
	if len(state.Attempts) != crowd || len(state.Repeated()) != crowd-1 {
		t.Errorf("%d attempts, %d repeated", len(state.Attempts), len(state.Repeated()))
	}
}
