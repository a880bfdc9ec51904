package awsapi

import (
	"bufio"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The endpoint of these tests is one that only a proxy can find.
const hidden = "sts.hidden.test"

// connectProxy answers CONNECT by a tunnel to target. It counts the tunnels.
func connectProxy(target string, tunnels *atomic.Int32) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := base64.StdEncoding.EncodeToString([]byte("alice:" + canaryProxy))
		switch {
		case r.Method != http.MethodConnect || !strings.HasPrefix(r.Host, hidden):
			http.Error(w, r.Host, http.StatusBadRequest)
			return
		case r.Header.Get("Proxy-Authorization") != "Basic "+user:
			w.Header().Set("Proxy-Authenticate", `Basic realm="corp"`)
			http.Error(w, "who are you", http.StatusProxyAuthRequired)
			return
		}
		near, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		tunnels.Add(1)
		_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
		splice(near, target)
	}
}

// splice connects near to target until one of them ends.
func splice(near net.Conn, target string) {
	defer near.Close()
	far, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer far.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() { _, _ = io.Copy(pair[0], pair[1]); done <- struct{}{} }()
	}
	<-done
}

// socksProxy speaks as much of SOCKS 5 (RFC 1928, without a password) as one
// tunnel to target takes, and gives status as its reply.
func socksProxy(target string, status byte) func(net.Conn) {
	return func(c net.Conn) {
		head := make([]byte, 2)
		_, _ = io.ReadFull(c, head)
		_, _ = io.ReadFull(c, make([]byte, head[1]))
		_, _ = c.Write([]byte{5, 0})
		request := make([]byte, 5)
		_, _ = io.ReadFull(c, request)
		_, _ = io.ReadFull(c, make([]byte, int(request[4])+2))
		_, _ = c.Write([]byte{5, status, 0, 1, 0, 0, 0, 0, 0, 0})
		if status == 0 {
			splice(c, target)
		}
	}
}

func TestProxyWorks(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "Test CA")
	bundle := ca.bundle(t)
	for _, kind := range []string{"http", "https", "socks5", "no scheme"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			server := serveTLS(t, ca.issue(t, hidden, time.Now().Add(time.Hour)), issue)
			target := server.Listener.Addr().String()
			_, port, _ := net.SplitHostPort(target)
			var tunnels atomic.Int32
			var address string
			switch kind {
			case "http", "no scheme":
				address = "http://alice:" + canaryProxy + "@" + serve(t, connectProxy(target, &tunnels)).Listener.Addr().String()
			case "https":
				proxy := serveTLS(t, ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour)), connectProxy(target, &tunnels))
				address = "https://alice:" + canaryProxy + "@" + proxy.Listener.Addr().String()
			case "socks5":
				address = "socks5://" + listen(t, socksProxy(target, 0)).Addr().String()
				tunnels.Add(1)
			}
			if kind == "no scheme" {
				address = strings.TrimPrefix(address, "http://")
			}
			for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
				client := newTestClient(t, "https://"+hidden+":"+port, func(o *Options) {
					o.Getenv, o.CABundle = env(variable, address, "HTTP_PROXY", "http://127.0.0.1:1", "NO_PROXY", "other.test"), bundle
				})
				if got := client.Call(t.Context(), sessionRequest()); KindOf(got.Err) != None || DeliveryOf(got.Err) != Answered {
					t.Errorf("%s: %v", variable, got.Err)
				}
			}
			if kind != "socks5" && tunnels.Load() != 2 || server.requests.Load() != 2 {
				t.Errorf("%d tunnels, %d requests in two calls", tunnels.Load(), server.requests.Load())
			}
		})
	}
}

func TestProxyFails(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "Test CA")
	status := func(code int) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }).Listener.Addr().String()
	}
	endpoint := serveTLS(t, ca.issue(t, hidden, time.Now().Add(time.Hour)), issue)
	target := endpoint.Listener.Addr().String()
	var tunnels atomic.Int32
	working := serve(t, connectProxy(target, &tunnels)).Listener.Addr().String()
	deadEnd := serve(t, connectProxy("127.0.0.1:1", &tunnels)).Listener.Addr().String()
	closed := listen(t, func(net.Conn) {})
	_ = closed.Close()
	login := "alice:" + canaryProxy + "@"

	tests := map[string]struct {
		value string
		line  []string
	}{
		"wants a password":  {"http://" + working, []string{"proxy " + working + " (HTTPS_PROXY)", "user name and password", "HTTP 407", "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"}},
		"wrong password":    {"http://alice:x" + canaryProxy + "@" + working, []string{"HTTP 407"}},
		"cannot reach it":   {"http://" + login + status(502), []string{"(HTTPS_PROXY)", "refuses to connect to " + hidden, "HTTP 502"}},
		"forbids it":        {"http://" + login + status(403), []string{"refuses to connect to " + hidden, "HTTP 403"}},
		"refused":           {"http://" + login + closed.Addr().String(), []string{"proxy " + closed.Addr().String() + " (HTTPS_PROXY): connection refused", "unset HTTPS_PROXY"}},
		"closes":            {"http://" + login + listen(t, func(c net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(c)) }).Addr().String(), []string{"(HTTPS_PROXY): connection closed while asking for a tunnel"}},
		"hangs":             {"http://" + login + listen(t, wait).Addr().String(), []string{"(HTTPS_PROXY): timed out while asking for a tunnel"}},
		"SOCKS refuses":     {"socks5://" + login + listen(t, socksProxy("", 5)).Addr().String(), []string{"(HTTPS_PROXY): connection "}},
		"is no TLS proxy":   {"https://" + login + working, []string{"proxy " + working + " (HTTPS_PROXY): it does not speak TLS"}},
		"tunnel ends":       {"http://" + login + deadEnd, []string{hidden, "in the TLS handshake", "check the network and AWS_ENDPOINT_URL_STS"}},
		"SOCKS tunnel ends": {"socks5://" + listen(t, socksProxy("127.0.0.1:1", 0)).Addr().String(), []string{hidden + ": connection", "in the TLS handshake"}},
		"malformed":         {"http://" + login + "[::1", []string{"HTTPS_PROXY: its value is not a proxy URL", "HTTPS_PROXY=http://HOST:PORT"}},
		"password with a %": {"http://alice:" + canaryProxy + "%zz@" + working, []string{"(HTTPS_PROXY): requires a user name and password, or rejects those given"}},
		"unknown scheme":    {"ftp://" + login + working, []string{"HTTPS_PROXY: its value is not a proxy URL"}},
		"no host":           {"http://" + login + "/", []string{"HTTPS_PROXY: its value is not a proxy URL"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newTestClient(t, "https://"+hidden, func(o *Options) {
				o.Getenv, o.CABundle = env("HTTPS_PROXY", test.value), ca.bundle(t)
			})
			if name == "hangs" {
				client.tryLimit = 2 * time.Second
			}
			got := client.Call(t.Context(), sessionRequest())
			want{Unreachable, fault.Network, Unsent, test.line}.check(t, got)
		})
	}
	t.Cleanup(func() {
		if endpoint.requests.Load() != 0 {
			t.Error("a request arrived")
		}
	})
}
