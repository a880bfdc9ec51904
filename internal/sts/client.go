// Package sts makes the two STS calls that mint sessions, GetSessionToken and
// AssumeRole. A call is exactly one connection and one HTTP request: a token
// code must not be sent twice (RFC 6238 section 5.2), so nothing here ever
// retries, and every result says whether AWS may have seen the code.
//
// It is the only importer of the AWS SDK's STS client, of which it uses the
// serialisation, the signature and the parsing. The connection is that of
// package awshttp, because what is known about a lost request depends on it.
package sts

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
)

const service = "STS" // in messages and in AWS_ENDPOINT_URL_STS

// Options say where STS is and how to reach it. Region, Getenv and Now are
// required.
type Options struct {
	Region string // signs the request, and names the host unless Endpoint does

	// Endpoint is a URL that replaces the regional one, or "". It excludes FIPS
	// and DualStack (AWS SDKs and Tools Reference Guide, "Service-specific
	// endpoints").
	Endpoint        string
	FIPS, DualStack bool

	// CABundle is the path of a PEM file that replaces the system's roots, as
	// AWS_CA_BUNDLE does in the SDKs; "" for the system's.
	CABundle string

	// Getenv is asked for HTTPS_PROXY, NO_PROXY and their lower-case forms.
	// HTTP_PROXY has no effect: plain HTTP goes to loopback only, and loopback
	// is never proxied.
	Getenv func(string) string

	Now    func() time.Time // the machine's clock, uncorrected
	Logger *slog.Logger     // gets debug records without secrets; nil for none
}

// Client calls STS at one endpoint. It keeps no connection and no state between
// calls, and is safe for concurrent use.
type Client struct {
	options Options
	peer    awshttp.Peer
	log     *slog.Logger
}

// New returns a client for o. It opens nothing: files and connections wait for
// the first call. An unusable region or endpoint is a *fault.Error of kind
// Config.
func New(o Options) (*Client, error) {
	endpoint, err := resolve(o)
	if err != nil {
		return nil, err
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	peer := awshttp.Peer{
		Service: service, Region: o.Region, Endpoint: endpoint,
		CABundle: o.CABundle, Getenv: o.Getenv, Now: o.Now,
		ConnectLimit: awshttp.ConnectLimit, TryLimit: awshttp.TryLimit,
	}
	if o.Endpoint != "" {
		peer.Override = awshttp.OverrideName(service)
	}
	return &Client{options: o, peer: peer, log: log}, nil
}

// Call sends r in one HTTP request and never repeats it. Everything there is to
// know is in the result; its Err is a *fault.Error, which wraps ctx.Err() when
// the caller's context ended the call.
func (c *Client) Call(ctx context.Context, r exchange.Request) exchange.Result {
	t := newTry(c, action(r), r)
	issued, err := t.call(ctx)
	result := t.result(ctx, issued, err)
	t.Record(ctx, c.log, "sts call", verdictName(result.Verdict), result.Err)
	return result
}

func verdictName(v exchange.Verdict) string {
	switch v {
	case exchange.OK:
		return "ok"
	case exchange.CodeRefused:
		return "code refused"
	case exchange.ClockRefused:
		return "clock refused"
	case exchange.Refused:
		return "refused"
	case exchange.Throttled:
		return "throttled"
	case exchange.ServerError:
		return "server error"
	case exchange.Lost:
		return "lost"
	case exchange.Unreachable:
		return "unreachable"
	case exchange.CodeOutOfDate:
		return "code out of date"
	}
	return "?"
}
