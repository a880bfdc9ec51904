//go:build linux

package test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// overTLS starts a sandbox with TLS that has the account of the machine's own, and trusts its CA.
func overTLS(m *ill, o sandbox.Options) *testbed.Bed {
	o.TLS, o.World = true, m.Server.World()
	other := bed(m.t, testbed.Options{Bare: true, Sandbox: o})
	m.write(m.Dir+"/ca.pem", string(other.Server.CAPEM()))
	env("AWS_CA_BUNDLE=<DIR>/ca.pem")(m)
	return other
}

// proxied has the program reach AWS through a proxy: it tunnels for user:word to a sandbox, ends the tunnel of
// user:cut at once, and wants a password of everybody else. The first faults strike there.
func proxied(login string, faults ...sandbox.Fault) func(*ill) {
	return func(m *ill) {
		far := overTLS(m, sandbox.Options{}).Server
		for _, f := range faults {
			must(m.t, far.Inject(f))
		}
		to, err := url.Parse(far.URL())
		must(m.t, err)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(m.t, err)
		m.t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				near, err := listener.Accept()
				if err != nil {
					return
				}
				go tunnel(near, to.Host)
			}
		}()
		m.env = append(m.env, "AWS_ENDPOINT_URL_STS=", "HTTPS_PROXY=http://"+login+listener.Addr().String())
	}
}

// loggedIn gives the proxy the right password.
func loggedIn(m *ill) {
	for _, v := range m.env {
		if at, ok := strings.CutPrefix(v, "HTTPS_PROXY=http://"); ok {
			m.env = append(m.env, "HTTPS_PROXY=http://user:word@"+at[strings.Index(at, "@")+1:])
		}
	}
}

// tunnel serves one CONNECT.
func tunnel(near net.Conn, to string) {
	defer near.Close()
	request, err := http.ReadRequest(bufio.NewReader(near))
	if err != nil {
		return
	}
	request.Header["Authorization"] = request.Header["Proxy-Authorization"]
	_, password, _ := request.BasicAuth()
	if password == "" {
		_, _ = io.WriteString(near, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\n\r\n")
		return
	}
	_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
	far, err := net.Dial("tcp", to)
	if err != nil || password == "cut" {
		return
	}
	defer far.Close()
	go func() { _, _ = io.Copy(far, near) }()
	_, _ = io.Copy(near, far)
}

// networkHints are those about proxies, networks and certificates.
func networkHints() []hintCase {
	const sts = "sts.us-east-1.amazonaws.com: "
	return []hintCase{
		{"proxy wants a password", proxied(""), getWork, 7, "proxy 127.0.0.1:… (HTTPS_PROXY): requires a user name and password, or rejects those given (HTTP 407)", "set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT", loggedIn, ""},
		{"proxy cuts", proxied("user:cut@"), getWork, 7, sts + "connection … in the TLS handshake", "check the network and the proxy", loggedIn, ""},
		{"portal behind a proxy", proxied("user:word@", sandbox.Fault{Kind: sandbox.Portal}), getWork, 7, sts + "got HTML (HTTP 200) instead of a response from AWS (captive portal or proxy?)", "log in to the network with a browser, or check HTTPS_PROXY", func(*ill) {}, ""},
		{"certificate expired", func(m *ill) {
			other := overTLS(m, sandbox.Options{Certificate: sandbox.ExpiredCertificate})
			m.env = append(m.env, "AWS_ENDPOINT_URL_STS="+other.Server.URL())
		}, getWork, 7, "127.0.0.1:…: its certificate is valid from … to …, and this machine's clock says …", "check this machine's clock", env("AWS_ENDPOINT_URL_STS=<URL>"), ""},
	}
}
