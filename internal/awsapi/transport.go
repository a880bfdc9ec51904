package awsapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"

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
