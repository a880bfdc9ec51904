package awsapi

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// callWithAnswer is Call without a network: AWS, or whoever, answers so.
func callWithAnswer(client *Client, request Request, status int, body string) Result {
	offline := *client
	offline.fetch = func(*http.Request) (*answer, error) {
		return &answer{status: status, header: http.Header{}, body: []byte(body)}, nil
	}
	return offline.Call(context.Background(), request)
}

func TestNotAWS(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, issue)
	bomb := gzipped(strings.Repeat(" ", 16<<20))
	unreachable := func(line ...string) want {
		return want{Unreachable, fault.Network, Unknown, line}
	}
	lost := func(line ...string) want { return want{Lost, fault.Network, Unknown, line} }
	tests := map[string]struct {
		handler http.HandlerFunc
		want    want
	}{
		"captive portal": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!DOCTYPE html><html><body>Welcome to Hotel Wifi</body></html>")
		}, unreachable("got HTML (HTTP 200)", "captive portal")},
		"HTML that claims XML": {func(w http.ResponseWriter, _ *http.Request) {
			write(w, 403, "\n <HTML><body>no</body></HTML>")
		}, unreachable("got HTML (HTTP 403)")},
		"gateway": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, want{ServerError, fault.Unavailable, Unknown, []string{"got HTML (HTTP 503)"}}},
		"gateway that limits": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
		}, want{Throttled, fault.Unavailable, Unknown, []string{"empty response (HTTP 429)"}}},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, unreachable("redirect (HTTP 307)", elsewhere.Listener.Addr().String())},
		"redirect that echoes": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://"+canaryCode+".test/")
			w.WriteHeader(http.StatusFound)
		}, unreachable("redirect (HTTP 302)", "[redacted].test")},
		"redirect to nowhere": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://%zz/")
			w.WriteHeader(http.StatusFound)
		}, unreachable("redirect (HTTP 302)")},
		"empty": {func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "") }, unreachable("empty response (HTTP 200)")},
		"JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"message":"Forbidden"}`)
		}, unreachable("application/json", "HTTP 403")},
		"another action": {func(w http.ResponseWriter, _ *http.Request) {
			write(w, 200, success("AssumeRole", time.Now().Add(time.Hour)))
		}, unreachable("not from AWS")},
		"an error with status 200": {func(w http.ResponseWriter, _ *http.Request) {
			write(w, 200, refusalXML("AccessDenied", "no"))
		}, unreachable("not from AWS")},
		"cut XML": {func(w http.ResponseWriter, _ *http.Request) {
			body := success("GetSessionToken", time.Now().Add(time.Hour))
			write(w, 200, body[:len(body)-20])
		}, lost("incomplete or damaged")},
		"cut connection": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			write(w, 200, "<GetSessionTokenResponse>")
		}, lost("connection closed while reading the response")},
		"gzip bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			write(w, 200, bomb)
		}, unreachable("not from AWS")},
		"100 MB": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			for range 100 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
			t.Error("read all of 100 MB")
		}, unreachable("more than 1 MiB")},
		"endless header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		}, lost("connection failed while")},
		"deep XML": {func(w http.ResponseWriter, _ *http.Request) {
			write(w, 200, strings.Repeat("<a>", 300_000))
		}, unreachable("not from AWS")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, test.handler)
			got := newTestClient(t, server.URL).Call(t.Context(), sessionRequest())
			test.want.line = append(test.want.line, server.Listener.Addr().String()+": ")
			test.want.check(t, got)
			if !got.ServerTime.IsZero() {
				t.Error("trusts the clock of a stranger")
			}
			if n := server.requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
	t.Cleanup(func() {
		if elsewhere.requests.Load() != 0 {
			t.Error("followed a redirect")
		}
	})
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// TestDroppedConnections has a server that misbehaves below HTTP.
func TestDroppedConnections(t *testing.T) {
	t.Parallel()
	reset := func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }
	read := func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			_, _ = io.Copy(io.Discard, request.Body)
		}
	}
	tests := map[string]struct {
		serve func(net.Conn)
		line  string
	}{
		"reset after reading":  {func(c net.Conn) { read(c); reset(c) }, "connection reset while waiting for the response"},
		"closed after reading": {func(c net.Conn) { read(c) }, "connection "},
		"hang":                 {func(c net.Conn) { read(c); wait(c) }, "timed out while waiting for the response"},
		"half a header":        {func(c net.Conn) { read(c); _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nDate: x") }, "connection closed while reading the response"},
		"hang in the body": {func(c net.Conn) {
			read(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<")
			wait(c)
		}, "timed out while reading the response"},
		"another protocol": {func(c net.Conn) { read(c); _, _ = io.WriteString(c, "220 mail ready\r\n") }, "connection failed while reading the response"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener := listen(t, test.serve)
			client := newTestClient(t, "http://"+listener.Addr().String())
			if strings.HasPrefix(name, "hang") {
				client.tryLimit = 2 * time.Second
			}
			got := client.Call(t.Context(), sessionRequest())
			want{Lost, fault.Network, Unknown, []string{listener.Addr().String(), test.line}}.check(t, got)
		})
	}
}

// TestDroppedAtOnce has a server that drops connections as soon as it gets
// them. Whether the request was written by then differs from run to run;
// what is said about it must agree.
func TestDroppedAtOnce(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]func(net.Conn){
		"reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"closed": func(net.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener := listen(t, drop)
			client := newTestClient(t, "http://"+listener.Addr().String())
			for range 20 {
				got := client.Call(t.Context(), sessionRequest())
				unsent := DeliveryOf(got.Err) == Unsent && KindOf(got.Err) == Unreachable
				lost := DeliveryOf(got.Err) == Unknown && KindOf(got.Err) == Lost
				if !unsent && !lost {
					t.Errorf("verdict %s, %s", KindOf(got.Err), DeliveryOf(got.Err))
				}
			}
		})
	}
}

// listen serves each connection once, then closes it.
func listen(t testing.TB, serve func(net.Conn)) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { serve(conn); _ = conn.Close() }()
		}
	}()
	return listener
}

// wait returns when the other side has closed conn.
func wait(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func TestUnsent(t *testing.T) {
	t.Parallel()
	unsent := func(line ...string) want {
		return want{Unreachable, fault.Network, Unsent, line}
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		listener := listen(t, func(net.Conn) {})
		_ = listener.Close()
		got := newTestClient(t, "https://"+listener.Addr().String()).Call(t.Context(), sessionRequest())
		unsent(listener.Addr().String(), "connection refused", "AWS_ENDPOINT_URL_STS").check(t, got)
	})
	t.Run("no such host", func(t *testing.T) {
		t.Parallel()
		client := newTestClient(t, "")
		client.resolver = resolver(t, func(query []byte) []byte {
			query[2], query[3] = 0x81, 0x83 // an answer: NXDOMAIN
			return query
		})
		unsent("sts.eu-west-1.amazonaws.com: no such host", "HTTPS_PROXY").check(t, client.Call(t.Context(), sessionRequest()))
	})
	t.Run("DNS fails", func(t *testing.T) {
		t.Parallel()
		client := newTestClient(t, "")
		client.resolver = resolver(t, func(query []byte) []byte {
			query[2], query[3] = 0x81, 0x82 // an answer: SERVFAIL
			return query
		})
		unsent("sts.eu-west-1.amazonaws.com: the DNS lookup failed").check(t, client.Call(t.Context(), sessionRequest()))
	})
	t.Run("DNS hangs", func(t *testing.T) {
		t.Parallel()
		client := newTestClient(t, "")
		client.connectLimit = 200 * time.Millisecond
		client.resolver = resolver(t, func([]byte) []byte { return nil })
		unsent("sts.eu-west-1.amazonaws.com: the DNS lookup timed out").check(t, client.Call(t.Context(), sessionRequest()))
	})
	t.Run("TLS hangs", func(t *testing.T) {
		t.Parallel()
		listener := listen(t, wait)
		client := newTestClient(t, "https://"+listener.Addr().String())
		client.connectLimit, client.tryLimit = 200*time.Millisecond, time.Hour
		unsent(listener.Addr().String(), "timed out in the TLS handshake").check(t, client.Call(t.Context(), sessionRequest()))
	})
	t.Run("TLS reset", func(t *testing.T) {
		t.Parallel()
		listener := listen(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1<<16))
			_ = c.(*net.TCPConn).SetLinger(0)
		})
		unsent("connection reset in the TLS handshake").check(t, newTestClient(t, "https://"+listener.Addr().String()).Call(t.Context(), sessionRequest()))
	})
	t.Run("TLS closed", func(t *testing.T) {
		t.Parallel()
		listener := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)) })
		unsent("connection closed in the TLS handshake").check(t, newTestClient(t, "https://"+listener.Addr().String()).Call(t.Context(), sessionRequest()))
	})
	t.Run("no TLS", func(t *testing.T) {
		t.Parallel()
		server := serve(t, issue)
		unsent("it does not speak TLS").check(t, newTestClient(t, strings.Replace(server.URL, "http:", "https:", 1)).Call(t.Context(), sessionRequest()))
	})
	t.Run("old TLS", func(t *testing.T) {
		t.Parallel()
		ca := newAuthority(t, "Test CA")
		server := serveTLS(t, ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour)), issue, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
		client := newTestClient(t, server.URL, func(o *Options) { o.CABundle = ca.bundle(t) })
		unsent("it closed the TLS connection: tls: protocol version not supported").check(t, client.Call(t.Context(), sessionRequest()))
	})
}

// resolver asks a name server on loopback that answers by reply; nil is none.
func resolver(t testing.TB, reply func(query []byte) []byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer := reply(buffer[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "Corporate Interception CA"), newAuthority(t, "Other CA")
	good := ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	expired := ca.issue(t, "127.0.0.1", time.Now().Add(-time.Hour))
	elsewhere := ca.issue(t, "portal.example", time.Now().Add(time.Hour))
	tests := map[string]struct {
		cert   tls.Certificate
		bundle string
		line   []string // nil: it works
	}{
		"good":               {good, ca.bundle(t), nil},
		"unknown CA":         {good, "", []string{"CA that is not trusted", `"CN=Corporate Interception CA"`, "AWS_CA_BUNDLE"}},
		"bundle of another":  {good, other.bundle(t), []string{"CA that is not trusted", `"CN=Corporate Interception CA"`, "ca.pem (AWS_CA_BUNDLE)"}},
		"expired":            {expired, ca.bundle(t), []string{"its certificate is valid from", "clock says " + time.Now().Format("2006-01-02")}},
		"wrong host":         {elsewhere, ca.bundle(t), []string{"for another host (portal.example)"}},
		"wrong host and CA":  {elsewhere, "", []string{"certificate"}},
		"expired, wrong CA":  {expired, "", []string{"certificate"}},
		"not a server's own": {ca.ofClient(t), ca.bundle(t), []string{"does not pass verification"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serveTLS(t, test.cert, issue)
			client := newTestClient(t, server.URL, func(o *Options) { o.CABundle = test.bundle })
			got := client.Call(t.Context(), sessionRequest())
			if test.line == nil {
				if KindOf(got.Err) != None || server.connections.Load() != 1 {
					t.Errorf("%+v over %d connections", got, server.connections.Load())
				}
				return
			}
			want{Unreachable, fault.Network, Unsent, append(test.line, server.Listener.Addr().String())}.check(t, got)
			if server.requests.Load() != 0 {
				t.Error("the request went to a server that is not trusted")
			}
		})
	}
}

func TestTLSVersion(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "Test CA")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var used uint16
		server := serveTLS(t, ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour)), func(w http.ResponseWriter, r *http.Request) {
			used = r.TLS.Version
			issue(w, r)
		}, func(c *tls.Config) { c.MaxVersion = version })
		client := newTestClient(t, server.URL, func(o *Options) { o.CABundle = ca.bundle(t) })
		if got := client.Call(t.Context(), sessionRequest()); KindOf(got.Err) != None || used != version {
			t.Errorf("%v over %s", got.Err, tls.VersionName(used))
		}
	}
}

func TestKeyLogFileHasNoEffect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	t.Setenv("SSLKEYLOGFILE", path)
	ca := newAuthority(t, "Test CA")
	server := serveTLS(t, ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour)), issue)
	client := newTestClient(t, server.URL, func(o *Options) { o.CABundle = ca.bundle(t) })
	if got := client.Call(t.Context(), sessionRequest()); KindOf(got.Err) != None {
		t.Fatal(got.Err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("wrote the keys of the connection")
	}
}

func TestCABundle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := map[string]struct{ path, line string }{
		"missing":   {filepath.Join(dir, "none.pem"), "cannot be read: "},
		"directory": {dir, "cannot be read: not a regular file"},
		"empty":     {file("empty.pem", ""), "holds no certificate in PEM form"},
		"text":      {file("text.pem", "hello"), "holds no certificate in PEM form"},
		"damaged":   {file("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "holds no certificate in PEM form"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, issue)
			client := newTestClient(t, server.URL, func(o *Options) { o.CABundle = test.path })
			want{Unreachable, fault.Config, Unsent, []string{"CA bundle " + test.path, test.line, "AWS_CA_BUNDLE"}}.check(t, client.Call(t.Context(), sessionRequest()))
			if server.connections.Load() != 0 {
				t.Error("connected without the roots that were wanted")
			}
		})
	}
}

// TestCodeRunsOut moves the clock past the end of the time step at a point of
// the connection's way.
func TestCodeRunsOut(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "Test CA")
	cert := ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	for _, skew := range []time.Duration{0, 3 * time.Hour} {
		for _, test := range []struct {
			passes  time.Duration // during the handshake
			verdict Kind
		}{{29 * time.Second, None}, {30 * time.Second, CodeOutOfDate}, {time.Minute, CodeOutOfDate}} {
			t.Run(fmt.Sprintf("skew %s, %s pass", skew, test.passes), func(t *testing.T) {
				t.Parallel()
				clock := &steppedClock{at: time.Now()}
				server := serveTLS(t, cert, issue, func(c *tls.Config) {
					c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
						clock.advance(test.passes)
						return nil, nil
					}
				})
				client := newTestClient(t, server.URL, func(o *Options) { o.CABundle, o.Now = ca.bundle(t), clock.now })
				request := sessionRequest()
				request.Skew = skew
				request.CodeExpires = clock.now().Add(skew + 30*time.Second)
				got := client.Call(t.Context(), request)
				if test.verdict == None {
					if KindOf(got.Err) != None {
						t.Errorf("%v", got.Err)
					}
					return
				}
				want{CodeOutOfDate, fault.Deadline, Unsent, []string{"expired, so"}}.check(t, got)
				if server.requests.Load() != 0 {
					t.Error("the code was sent")
				}
			})
		}
	}
}

// ofClient returns a certificate that is good for clients only.
func (a authority) ofClient(t testing.TB) tls.Certificate {
	t.Helper()
	return a.issue(t, "127.0.0.1", time.Now().Add(time.Hour), x509.ExtKeyUsageClientAuth)
}
