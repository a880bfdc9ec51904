package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// try is one call and all that is found out during it.
type try struct {
	client   *Client
	request  exchange.Request
	send     func(*http.Request) (*answer, error) // fetch, but for tests
	proxy    *proxy
	progress progress
	answer   *answer  // AWS's, or nil
	failure  *outcome // why there is no answer of AWS, or nil
}

func newTry(c *Client, r exchange.Request) *try {
	t := &try{client: c, request: r}
	t.send = t.fetch
	t.progress.now = c.options.Now
	t.progress.stale = t.outOfDate
	return t
}

// outcome is a verdict other than OK with its explanation.
type outcome struct {
	verdict exchange.Verdict
	err     *fault.Error
}

// errNoAnswer stops the SDK; the reason stays in try.failure, unaltered.
var errNoAnswer = errors.New("no answer of AWS")

// Do implements the SDK's HTTPClient. It returns an answer only if AWS gave it
// and it came whole.
func (t *try) Do(req *http.Request) (*http.Response, error) {
	got, err := t.send(req)
	t.progress.settle()
	if err != nil {
		t.failure = t.explain(req.Context(), err)
		return nil, errNoAnswer
	}
	switch ok, cut := got.whole(t.action()); {
	case cut:
		t.failure = t.explain(req.Context(), errCut)
	case !ok:
		t.failure = t.notAWS(got)
	default:
		t.answer = got
		return got.response(req), nil
	}
	return nil, errNoAnswer
}

// result puts together what the connection, the answer and the SDK told.
func (t *try) result(ctx context.Context, got issued, err error) exchange.Result {
	result := exchange.Result{Delivery: t.progress.delivery()}
	if t.answer != nil {
		result.Delivery = exchange.Answered
		result.ServerTime, result.LocalTime = t.clocks()
	}
	bad := t.judge(ctx, got, err)
	if bad != nil {
		bad.err.Cause = t.scrub(bad.err.Cause)
		result.Verdict, result.Err = bad.verdict, bad.err
		return result
	}
	result.Credentials = creds.Credentials{
		AccessKeyID:     *got.credentials.AccessKeyId,
		SecretAccessKey: creds.NewSecret(*got.credentials.SecretAccessKey),
		SessionToken:    creds.NewSecret(*got.credentials.SessionToken),
		Expiration:      got.credentials.Expiration.UTC(),
	}
	return result
}

// judge returns nil if got may be used.
func (t *try) judge(ctx context.Context, got issued, err error) *outcome {
	var api smithy.APIError
	switch {
	case t.failure != nil:
		return t.failure
	case t.answer == nil && ctx.Err() != nil:
		return t.ended(ctx)
	case t.answer == nil:
		return t.unsendable()
	case errors.As(err, &api):
		return t.classify(apiError{status: t.answer.status, code: api.ErrorCode(), message: oneLine(api.ErrorMessage()), requestID: t.answer.requestID()})
	case err != nil:
		return t.useless("its answer does not have the form of one of STS")
	}
	if cause := t.defect(got); cause != "" {
		return t.useless(cause)
	}
	return nil
}

// unsendable is for a request that the SDK would not build. Its reason may
// quote what was to be sent, so it is not passed on.
func (t *try) unsendable() *outcome {
	return &outcome{exchange.Refused, fault.New(fault.Internal, t.client.endpoint.Host, "",
		"the request of %s could not be built from these settings", t.action())}
}

// useless is for an answer that is AWS's and of no use.
func (t *try) useless(cause string) *outcome {
	return &outcome{exchange.ServerError, fault.New(fault.Refused, t.client.endpoint.Host, "", "%s%s", cause, suffix(t.answer.requestID()))}
}

// scrub takes the secrets of the request out of text, for AWS quotes what it
// does not accept ("Value '12345' at 'tokenCode' failed to satisfy
// constraint"), and a stranger may send back anything.
func (t *try) scrub(text string) string {
	r := t.request
	for _, secret := range []string{r.Code.Reveal(), r.Key.Secret.Reveal(), r.Token.Reveal()} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}

func (t *try) action() string {
	if t.request.Role == nil {
		return "GetSessionToken"
	}
	return "AssumeRole"
}

// correctedNow returns AWS's time, as far as it is known.
func (t *try) correctedNow() time.Time { return t.client.options.Now().Add(t.request.Skew) }

func (t *try) outOfDate() bool {
	limit := t.request.CodeExpires
	return !limit.IsZero() && !t.correctedNow().Before(limit)
}

// suffix ends a cause with AWS's request id, if there is one.
func suffix(requestID string) string {
	if requestID == "" {
		return ""
	}
	return fmt.Sprintf(" (request id %s)", requestID)
}
