// Package awsapi makes the calls to AWS: to STS for sessions and to identify a key's user, and to IAM for
// MFA devices and access keys. It is the only importer of the AWS SDK, which serializes, signs and parses. The
// connection is made here, because only here is it certain whether a byte of the request was sent.
//
// A call is one connection and one HTTP request. It is never repeated and never follows a redirect: a
// token code must not be sent twice (RFC 6238 section 5.2), and a second CreateAccessKey would create a
// second key. A failure is an *Error: its kind, and whether AWS may have seen the request. It wraps the
// *fault.Error to show, and its text never holds a secret or a token code.
package awsapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Options say where AWS is and how to reach it. Region, Getenv and Now are required.
type Options struct {
	Region string // of STS, and any region of the partition for IAM, which has one endpoint for all of it

	// Endpoint and IAMEndpoint are URLs that replace those of STS and IAM, or "". They exclude FIPS
	// and DualStack (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
	Endpoint, IAMEndpoint string
	FIPS, DualStack       bool

	// Partition and SigninEndpoint are for ConsoleURL alone: "aws", and a URL that replaces that of AWS's sign-in pages,
	// or "".
	Partition, SigninEndpoint string

	// CABundle is the path of a PEM file that replaces the system's roots, as AWS_CA_BUNDLE does in
	// the SDKs; "" for the system's.
	CABundle string

	// Getenv is asked for HTTPS_PROXY, NO_PROXY and their lower-case forms. HTTP_PROXY has no
	// effect: plain HTTP goes to loopback only, and loopback is never proxied.
	Getenv func(string) string
	Now    func() time.Time // the machine's clock, uncorrected

	// Skew returns AWS's clock minus this machine's, as last measured, before each call of an
	// Account; the signature is for the corrected time. Nil: no skew.
	Skew func() time.Duration

	// Observe gets AWS's clock and this machine's at the same moment after each answer to a call of
	// an Account, refusals included; nil: nobody is interested.
	Observe func(server, local time.Time)

	Logger *slog.Logger // gets debug records without secrets; nil for none
}

// The time limits of a call.
const (
	connectLimit = 5 * time.Second  // name look-up and TCP; the TLS handshake again
	tryLimit     = 15 * time.Second // the whole call
)

// Client makes calls to AWS. It keeps no connection and no state between calls, and is safe for
// concurrent use if Skew and Observe are.
type Client struct {
	options Options

	// What tests change.
	connectLimit, tryLimit time.Duration
	resolver               *net.Resolver
	fetch                  func(*http.Request) (*answer, error) // nil: the network
}

// New returns a client. It opens and checks nothing: a region or endpoint that cannot be used fails
// the call, with a *fault.Error of kind Config.
func New(o Options) *Client {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Client{options: o, connectLimit: connectLimit, tryLimit: tryLimit}
}

// task is what a call is to do, as far as its signature and the explanation of its failure need it.
type task struct {
	Request
	action string // "GetSessionToken": the answer must be one to it

	second creds.Secret // the other code of a pair
	user   string       // whose device or key it is; "" for whoever signs
	name   string       // of a device to be made
	keyID  string       // of an access key
}

// call is one request and all that is found out during it. It is the SDK's HTTPClient, credentials
// provider and signer for exactly one operation.
type call struct {
	task
	client   *Client
	at       place
	started  time.Time
	proxy    *proxy
	progress progress
	answer   *answer // AWS's, or nil
	failure  *Error  // why there is no answer from AWS, or nil
}

// newCall returns a call that has not been made, or one that has failed because there is no endpoint.
func (c *Client) newCall(ctx context.Context, service string, t task) *call {
	at, err := c.place(ctx, service)
	k := &call{task: t, client: c, at: at, started: c.options.Now()}
	k.progress.now, k.progress.stale = c.options.Now, k.outOfDate
	if bad, ok := errors.AsType[*fault.Error](err); ok {
		k.failure = k.fail(Unreachable, bad)
	}
	return k
}

// useless is a success that AWS gave and that lacks what was asked for.
type useless string

func (u useless) Error() string { return string(u) }

// do runs the operation of the SDK that c is for, in one request. Its error is nil or an *Error.
func do[Out any](ctx context.Context, c *call, operation func(*call) (*Out, error)) (*Out, error) {
	var out *Out
	var err error
	if c.failure == nil {
		out, err = operation(c)
		if c.answer != nil {
			clear(c.answer.body) // the SDK has read the secrets in it; its own copies remain
		}
	}
	failed := c.failed(ctx, err)
	c.record(ctx, failed)
	if failed != nil {
		return nil, failed
	}
	return out, nil
}

// failed explains an operation that the SDK reported with err, or returns nil. ctx is the caller's.
func (c *call) failed(ctx context.Context, err error) *Error {
	switch {
	case c.failure != nil:
		return c.failure
	case c.answer == nil && ctx.Err() != nil:
		return c.ended(ctx)
	case c.answer == nil: // the reason may quote what was to be sent
		return c.fail(Refused, fault.New(fault.Internal, c.host(), "", "the %s request could not be built from these settings", c.action))
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return c.refused(refusal{status: c.answer.status, code: api.ErrorCode(), message: c.scrub(oneLine(api.ErrorMessage())), requestID: c.answer.requestID()})
	}
	if err == nil {
		return nil
	}
	cause, ok := errors.AsType[useless](err)
	if !ok {
		cause = useless("the response does not have the form of one from " + c.at.service)
	}
	return c.fail(ServerError, fault.New(fault.Refused, c.host(), "", "%s%s", cause, suffix(c.answer.requestID())))
}

// errNoAnswer stops the SDK; the reason stays in call.failure, unaltered.
var errNoAnswer = errors.New("no answer from AWS")

// Do implements the SDK's HTTPClient. It returns an answer only if AWS gave it and it is complete.
func (c *call) Do(req *http.Request) (*http.Response, error) {
	got, err := c.send(req)
	if err != nil {
		return nil, err
	}
	switch ok, cut := got.complete(c.action); {
	case cut:
		c.failure = c.explain(req.Context(), errCut)
	case !ok:
		c.failure = c.notAWS(got)
	default:
		c.answer = got
		return got.response(req), nil
	}
	return nil, errNoAnswer
}

// send returns what is answered to a request, whoever answers.
func (c *call) send(req *http.Request) (*answer, error) {
	fetch := c.fetch
	if c.client.fetch != nil {
		fetch = c.client.fetch
	}
	got, err := fetch(req)
	c.progress.finish()
	if err != nil {
		c.failure = c.explain(req.Context(), err)
		return nil, errNoAnswer
	}
	return got, nil
}

// Retrieve implements the SDK's CredentialsProvider.
func (c *call) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: c.Key.ID, SecretAccessKey: c.Key.Secret.Reveal(), SessionToken: c.Token.Reveal()}, nil
}

// SignHTTP implements the SDK's HTTPSignerV4. It disregards the time it is given: the SDK's own
// correction starts from the machine's clock and comes only after a refusal.
func (c *call) SignHTTP(
	ctx context.Context, key aws.Credentials, r *http.Request, payloadHash, service, region string, _ time.Time, optFns ...func(*v4.SignerOptions),
) error {
	return v4.NewSigner().SignHTTP(ctx, key, r, payloadHash, service, region, c.correctedNow(), optFns...)
}

const appID = "aws-mfa-creds" // shows in CloudTrail's userAgent

// stsAPI and iamAPI return the SDK's clients for this call. They read no configuration of their own,
// log nothing and repeat nothing.
func (c *call) stsAPI() *awssts.Client {
	return awssts.New(awssts.Options{
		AppID: appID, Region: c.at.region, BaseEndpoint: aws.String(c.at.url.String()),
		Credentials: c, HTTPClient: c, HTTPSignerV4: c, Retryer: aws.NopRetryer{}, DisableClockSkewCorrection: true,
	})
}

func (c *call) iamAPI() *awsiam.Client {
	return awsiam.New(awsiam.Options{
		AppID: appID, Region: c.at.region, BaseEndpoint: aws.String(c.at.url.String()),
		Credentials: c, HTTPClient: c, HTTPSignerV4: c, Retryer: aws.NopRetryer{}, DisableClockSkewCorrection: true,
	})
}

// delivery returns whether AWS has seen the request.
func (c *call) delivery() Delivery {
	if c.answer != nil {
		return Answered
	}
	return c.progress.reached().delivery()
}

// host returns the endpoint's host, as messages name it.
func (c *call) host() string { return c.at.url.Host }

// scrub takes the secrets of the request out of text.
func (c *call) scrub(text string) string {
	for _, secret := range []creds.Secret{c.Key.Secret, c.Token, c.Code, c.second} {
		if !secret.IsZero() {
			text = strings.ReplaceAll(text, secret.Reveal(), "[redacted]")
		}
	}
	return text
}

// clocks returns AWS's clock and this machine's at the same moment: halfway between the first byte
// sent and the first byte received. They are zero unless AWS answered and said so.
func (c *call) clocks() (server, local time.Time) {
	if c.answer == nil || c.answer.date().IsZero() {
		return time.Time{}, time.Time{}
	}
	at := c.progress.reached()
	return c.answer.date(), at.written.Add(at.answered.Sub(at.written) / 2)
}

// correctedNow returns AWS's time, as far as it was known before the call.
func (c *call) correctedNow() time.Time { return c.client.options.Now().Add(c.Skew) }

// offset returns how far ahead of AWS's clock the request was signed, if AWS's answer says so.
func (c *call) offset() (off time.Duration, known bool) {
	server, local := c.clocks()
	return local.Add(c.Skew).Sub(server), !server.IsZero()
}

func (c *call) outOfDate() bool {
	return !c.CodeExpires.IsZero() && !c.correctedNow().Before(c.CodeExpires)
}

// record writes the debug record of a finished call. None of it is secret.
func (c *call) record(ctx context.Context, failed *Error) {
	kind, log := None, c.client.options.Logger.With("host", c.host(), "action", c.action, "delivery", c.delivery(), "took", c.client.options.Now().Sub(c.started))
	if at := c.progress.reached(); !at.connected.IsZero() {
		log = log.With("connected_after", at.connected.Sub(c.started))
	}
	if c.answer != nil {
		log = log.With("status", c.answer.status, "request_id", c.answer.requestID())
	}
	if failed != nil {
		kind, log = failed.Kind, log.With("error", failed.Error())
	}
	log.DebugContext(ctx, strings.ToLower(c.at.service)+" call", "verdict", kind)
}
