// Package iam makes the calls to IAM that enrol, resync and remove MFA devices,
// and that create, disable and delete access keys. Each request goes over a
// connection of its own and is never repeated (package awshttp): its codes work
// once, and a second CreateAccessKey would be a second key.
//
// It is the only importer of the AWS SDK's IAM client, of which it uses the
// serialisation, the signature and the parsing. Results and reasons are those of
// package account. Every error is an *account.Error, which wraps a *fault.Error
// with the line to show and the exit code; none holds a secret or a token code.
package iam

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

const service = "IAM" // in messages and in AWS_ENDPOINT_URL_IAM

// Options say whose calls a client makes, where IAM is and how to reach it. Key,
// Region, Getenv and Now are required.
type Options struct {
	// Key signs. Token is its session token when it is one of a session, and empty
	// for a long-lived access key.
	Key   creds.AccessKey
	Token creds.Secret

	// Region is any region of the partition. IAM has one endpoint for all of a
	// partition, and one region to sign for.
	Region string

	// Endpoint is a URL that replaces the partition's, or "". It excludes FIPS and
	// DualStack (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
	Endpoint        string
	FIPS, DualStack bool

	// CABundle is the path of a PEM file that replaces the system's roots, as
	// AWS_CA_BUNDLE does in the SDKs; "" for the system's.
	CABundle string

	Getenv func(string) string // asked for HTTPS_PROXY, NO_PROXY and their lower-case forms
	Now    func() time.Time    // the machine's clock, uncorrected

	// Skew is asked before each request for AWS's clock minus this machine's, as
	// last measured; the signature is for the corrected time. Nil: no skew.
	Skew func() time.Duration

	// Observe is told AWS's clock and this machine's at the same moment after each
	// answer, a refusal too, that carries a Date; nil: nobody is told.
	Observe func(server, local time.Time)

	Logger *slog.Logger // gets debug records without secrets; nil for none
}

// Client calls IAM with one key. It keeps no connection and no state between
// calls, and is safe for concurrent use if Skew and Observe are.
type Client struct {
	options Options
	peer    awshttp.Peer
	log     *slog.Logger
}

// New returns a client for o. It opens nothing: files and connections wait for
// the first call. An unusable region or endpoint is a *fault.Error of kind
// Config.
func New(o Options) (*Client, error) {
	at, err := resolve(o)
	if err != nil {
		return nil, err
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	peer := awshttp.Peer{
		Service: service, Region: at.region, Endpoint: at.url,
		CABundle: o.CABundle, Getenv: o.Getenv, Now: o.Now,
		ConnectLimit: awshttp.ConnectLimit, TryLimit: awshttp.TryLimit,
	}
	if o.Endpoint != "" {
		peer.Override = awshttp.OverrideName(service)
	}
	return &Client{options: o, peer: peer, log: log}, nil
}

// do runs one operation of the SDK in one request. A nil result beside a nil error
// does not happen. about tells the refusals what the call was for.
func do[Out any](ctx context.Context, c *Client, about subject, operation func(*awsiam.Client) (*Out, error)) (*Out, *try, error) {
	t := newTry(c, about)
	out, err := operation(awsiam.New(t.options()))
	failed := t.failed(ctx, err)
	if server, local := t.Clocks(); !server.IsZero() && c.options.Observe != nil {
		c.options.Observe(server, local)
	}
	if failed != nil {
		t.Record(ctx, c.log, "iam call", failed.Reason.String(), failed)
		return nil, t, failed
	}
	t.Record(ctx, c.log, "iam call", "ok", nil)
	return out, t, nil
}

// options make the SDK read no configuration of its own, log nothing and repeat
// nothing.
func (t *try) options() awsiam.Options {
	o := t.client.options
	out := awsiam.Options{
		AppID:                      "aws-mfa-creds", // shows in CloudTrail's userAgent
		Region:                     t.client.peer.Region,
		Credentials:                t.Call,
		HTTPClient:                 t.Call,
		HTTPSignerV4:               t.Signer(),
		Retryer:                    aws.NopRetryer{},
		DisableClockSkewCorrection: true, // the signer corrects already
	}
	if o.Endpoint != "" {
		out.BaseEndpoint = aws.String(o.Endpoint)
	}
	if o.FIPS {
		out.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if o.DualStack {
		out.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return out
}
