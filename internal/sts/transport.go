package sts

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
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
func (t *try) fetch(req *http.Request) (*answer, error) {
	transport, err := t.transport(req.URL)
	if err != nil {
		return nil, err
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(req.Context(), t.client.tryLimit)
	defer cancel()

	resp, err := transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, t.trace())))
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
func (t *try) transport(target *url.URL) (*http.Transport, error) {
	roots, err := roots(t.client.options.CABundle)
	if err != nil {
		return nil, err
	}
	t.proxy, err = proxyFor(target, t.client.options.Getenv)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                  t.proxy.use,
		OnProxyConnectResponse: t.tunnelled,
		DialContext:            t.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Time: t.client.options.Now},
		TLSHandshakeTimeout:    t.client.connectLimit,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}, nil
}

// trace returns the hooks of net/http that progress needs. GotConn runs before
// the first byte of the request is written.
func (t *try) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: func() {
			if t.proxy.socks() {
				t.progress.reach(securing)
			}
		},
		GotConn:              func(httptrace.GotConnInfo) { t.progress.reach(sending) },
		GotFirstResponseByte: func() { t.progress.reach(receiving) },
	}
}

// dial connects to the endpoint or the proxy.
func (t *try) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: t.client.connectLimit, Resolver: t.client.resolver}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if t.proxy == nil {
		t.progress.reach(securing)
	} else {
		t.progress.reach(tunnelling)
	}
	return watched{conn, &t.progress}, nil
}

// tunnelError is the status with which a proxy refused CONNECT.
type tunnelError int

func (tunnelError) Error() string { return "tunnel refused" }

// tunnelled hears the proxy's answer to CONNECT.
func (t *try) tunnelled(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return tunnelError(resp.StatusCode)
	}
	t.progress.reach(securing)
	return nil
}
