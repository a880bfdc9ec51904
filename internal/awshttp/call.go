package awshttp

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Request is what a call needs to know of the request it carries.
type Request struct {
	Action string          // "GetSessionToken": the answer must be one to it
	Key    creds.AccessKey // signs
	Token  creds.Secret    // of the session that signs; empty for a long-lived key

	// Codes are the token codes that the request carries. No text shows them.
	Codes []creds.Secret

	// Skew is AWS's clock minus this machine's, as last measured.
	Skew time.Duration

	// Expires is the corrected time from which on the request must not be
	// written any more, because its code has run out. Zero: no limit.
	Expires time.Time
}

// Call is one request and all that is found out during it. It is the SDK's
// HTTPClient, credentials provider and signer for exactly one operation, and
// not safe for a second.
type Call struct {
	peer     *Peer
	request  Request
	started  time.Time
	proxy    *proxy
	progress progress
	answer   *Answer  // AWS's, or nil
	failure  *Outcome // why there is no answer of AWS, or nil
}

// NewCall returns a call to p that has not been made yet.
func NewCall(p *Peer, r Request) *Call {
	c := &Call{peer: p, request: r, started: p.Now()}
	c.progress.now = p.Now
	c.progress.stale = c.outOfDate
	return c
}

// Outcome is a verdict other than exchange.OK with its explanation.
type Outcome struct {
	Verdict exchange.Verdict
	Err     *fault.Error
}

// errNoAnswer stops the SDK; the reason stays in Call.failure, unaltered.
var errNoAnswer = errors.New("no answer of AWS")

// Do implements the SDK's HTTPClient. It returns an answer only if AWS gave it
// and it came whole.
func (c *Call) Do(req *http.Request) (*http.Response, error) {
	fetch := c.fetch
	if c.peer.Fetch != nil {
		fetch = c.peer.Fetch
	}
	got, err := fetch(req)
	c.progress.settle()
	if err != nil {
		c.failure = c.explain(req.Context(), err)
		return nil, errNoAnswer
	}
	switch ok, cut := got.whole(c.request.Action); {
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

// Retrieve implements the SDK's CredentialsProvider.
func (c *Call) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID:     c.request.Key.ID,
		SecretAccessKey: c.request.Key.Secret.Reveal(),
		SessionToken:    c.request.Token.Reveal(),
	}, nil
}

// Unanswered explains why AWS gave no answer, or returns nil if it did. ctx is
// the caller's.
func (c *Call) Unanswered(ctx context.Context) *Outcome {
	switch {
	case c.failure != nil:
		return c.failure
	case c.answer == nil && ctx.Err() != nil:
		return c.ended(ctx)
	case c.answer == nil:
		return c.unsendable()
	}
	return nil
}

// Refusal returns the error that AWS answered, if err, the SDK's, is one. It
// may be asked only when Unanswered returned nil.
func (c *Call) Refusal(err error) (Refusal, bool) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return Refusal{}, false
	}
	return Refusal{Status: c.answer.Status, Code: api.ErrorCode(), Message: c.Scrub(oneLine(api.ErrorMessage())), requestID: c.answer.requestID()}, true
}

// unsendable is for a request that the SDK would not build. Its reason may
// quote what was to be sent, so it is not passed on.
func (c *Call) unsendable() *Outcome {
	return &Outcome{exchange.Refused, fault.New(fault.Internal, c.Host(), "",
		"the request of %s could not be built from these settings", c.request.Action)}
}

// Useless is for an answer that is AWS's and of no use because of cause.
func (c *Call) Useless(cause string) *Outcome {
	return &Outcome{exchange.ServerError, fault.New(fault.Refused, c.Host(), "", "%s%s", cause, suffix(c.answer.requestID()))}
}

// Delivery returns whether AWS has seen the request.
func (c *Call) Delivery() exchange.Delivery {
	if c.answer != nil {
		return exchange.Answered
	}
	return c.progress.delivery()
}

// Host returns the endpoint's host, as messages name it.
func (c *Call) Host() string { return c.peer.Endpoint.Host }

// Forget overwrites the answer, once the SDK has read the secrets in it. The
// SDK's own copies remain.
func (c *Call) Forget() {
	if c.answer != nil {
		clear(c.answer.Body)
	}
}

// Scrub takes the secrets of the request out of text, for AWS quotes what it
// does not accept ("Value '12345' at 'tokenCode' failed to satisfy
// constraint"), and a stranger may send back anything.
func (c *Call) Scrub(text string) string {
	for _, secret := range append([]creds.Secret{c.request.Key.Secret, c.request.Token}, c.request.Codes...) {
		if !secret.IsZero() {
			text = strings.ReplaceAll(text, secret.Reveal(), "[redacted]")
		}
	}
	return text
}

func (c *Call) outOfDate() bool {
	limit := c.request.Expires
	return !limit.IsZero() && !c.CorrectedNow().Before(limit)
}
