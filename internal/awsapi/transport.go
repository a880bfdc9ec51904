package awsapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

const (
	maxBody   = 1 << 20  // bytes; an answer of STS is a few KiB
	maxHeader = 64 << 10 // bytes
)

var (
	errTooLarge = errors.New("answer too large")
	errCut      = errors.New("answer cut")
)

// fetch sends req over a new connection and reads the whole answer. It calls
// the transport directly, so that no redirect is followed.
func (c *call) fetch(req *http.Request) (*answer, error) {
	transport, err := c.transport(req.URL)
	if err != nil {
		return nil, err
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(req.Context(), c.client.tryLimit)
	defer cancel()

	resp, err := transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, c.trace())))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxBody:
		return nil, errTooLarge
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// transport returns a transport for one request to target. It neither reuses
// connections, which is what net/http repeats requests for, nor asks for
// compression, so a small answer cannot grow.
func (c *call) transport(target *url.URL) (*http.Transport, error) {
	roots, err := roots(c.client.options.CABundle)
	if err != nil {
		return nil, err
	}
	c.proxy, err = proxyFor(target, c.client.options.Getenv)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                  c.proxy.use,
		OnProxyConnectResponse: c.tunnelled,
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Time: c.client.options.Now},
		TLSHandshakeTimeout:    c.client.connectLimit,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}, nil
}

// trace returns the hooks of net/http that progress needs. GotConn runs before
// the first byte of the request is written.
func (c *call) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: func() {
			if c.proxy.socks() {
				c.progress.reach(securing)
			}
		},
		GotConn:              func(httptrace.GotConnInfo) { c.progress.reach(sending) },
		GotFirstResponseByte: func() { c.progress.reach(receiving) },
	}
}

// dial connects to the endpoint or the proxy.
func (c *call) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: c.client.connectLimit, Resolver: c.client.resolver}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if c.proxy == nil {
		c.progress.reach(securing)
	} else {
		c.progress.reach(tunnelling)
	}
	return watched{conn, &c.progress}, nil
}

// tunnelError is the status with which a proxy refused CONNECT.
type tunnelError int

func (tunnelError) Error() string { return "tunnel refused" }

// tunnelled gets the proxy's answer to CONNECT.
func (c *call) tunnelled(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return tunnelError(resp.StatusCode)
	}
	c.progress.reach(securing)
	return nil
}

// CheckBundle refuses, with a *fault.Error of kind Config, a CA bundle that a call could not use. An empty
// path stands for the system's roots.
func CheckBundle(path string) error {
	_, err := roots(path)
	return err
}

// maxBundle caps a CA bundle, in bytes; the whole set of public roots is 250 KB.
const maxBundle = 16 << 20

// roots returns the certificates of the CA bundle at path, or nil, the system's
// roots, when path is empty. As in the SDKs, the bundle replaces the system's.
func roots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	file, _, err := securefile.OpenTrusted(path) // others could make themselves AWS
	switch {
	case fault.KindOf(err) == fault.Permissions:
		return nil, err
	case err != nil:
		return nil, badBundle(path, "cannot be read: "+securefile.Reason(err))
	}
	defer file.Close()
	pem, err := io.ReadAll(io.LimitReader(file, maxBundle))
	if err != nil {
		return nil, badBundle(path, "cannot be read: "+securefile.Reason(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, badBundle(path, "holds no certificate in PEM form")
	}
	return pool, nil
}

func badBundle(path, cause string) error {
	return fault.New(fault.Config, "CA bundle "+path, "correct or unset AWS_CA_BUNDLE (ca_bundle in the AWS config)", "%s", cause)
}

// proxy is the proxy to use, and the variable that says so. A nil *proxy is a
// direct connection.
type proxy struct {
	variable string
	url      *url.URL
}

// use has the form of http.Transport.Proxy.
func (p *proxy) use(*http.Request) (*url.URL, error) {
	if p == nil {
		return nil, nil
	}
	return p.url, nil
}

func (p *proxy) socks() bool { return p != nil && strings.HasPrefix(p.url.Scheme, "socks5") }

// proxyFor applies HTTPS_PROXY and NO_PROXY as http.ProxyFromEnvironment does, which loopback bypasses.
// That function takes a malformed proxy for none, and so would send the request past the proxy that
// somebody wanted.
func proxyFor(target *url.URL, getenv func(string) string) (*proxy, error) {
	// The library is asked only whether to bypass the proxy.
	config := httpproxy.Config{HTTPSProxy: "http://proxy", NoProxy: cmp.Or(getenv("NO_PROXY"), getenv("no_proxy"))}
	if chosen, _ := config.ProxyFunc()(target); chosen == nil {
		return nil, nil
	}
	return proxyOf(getenv)
}

// CheckProxy refuses, with a *fault.Error of kind Network, a proxy variable that is no URL.
func CheckProxy(getenv func(string) string) error {
	_, err := proxyOf(getenv)
	return err
}

// proxyOf returns the proxy that a variable names, or nil.
func proxyOf(getenv func(string) string) (*proxy, error) {
	for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
		value := getenv(variable)
		if value == "" {
			continue
		}
		parsed := parseProxy(value)
		if parsed == nil { // the value is not echoed: it may hold a password
			return nil, fault.New(fault.Network, variable, "set it as in "+variable+"=http://HOST:PORT, or unset it; in a password, write / ? # as %2F %3F %23",
				"its value is not a proxy URL")
		}
		return &proxy{variable, parsed}, nil
	}
	return nil, nil
}

// parseProxy accepts the URLs that net/http can use, and HOST[:PORT] for http://HOST[:PORT]. As for curl,
// user and password may have any character that does not end them, and a % that no two hex digits follow
// stands for itself. It returns nil for anything else.
func parseProxy(value string) *url.URL {
	scheme, rest, ok := strings.Cut(value, "://")
	if !ok {
		scheme, rest = "http", value
	}
	var user *url.Userinfo
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && !strings.ContainsAny(rest[:at], "/?#") { // which may be of such a password
		name, password, _ := strings.Cut(rest[:at], ":")
		user, rest = url.UserPassword(unescape(name), unescape(password)), rest[at+1:]
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil
	}
	u.User = user
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u
	}
	return nil
}

// unescape replaces each %XX in text by what it stands for.
func unescape(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := 1
		if text[0] == '%' {
			n = min(3, len(text))
		}
		plain, err := url.PathUnescape(text[:n])
		if err != nil {
			plain, n = "%", 1
		}
		b.WriteString(plain)
		text = text[n:]
	}
	return b.String()
}
