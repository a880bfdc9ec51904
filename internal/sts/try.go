package sts

import (
	"context"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
)

// try is one call and the request it is about.
type try struct {
	*awshttp.Call
	client  *Client
	action  string
	request exchange.Request
}

func newTry(c *Client, action string, r exchange.Request) *try {
	call := awshttp.NewCall(&c.peer, awshttp.Request{
		Action: action, Key: r.Key, Token: r.Token, Codes: []creds.Secret{r.Code}, Skew: r.Skew, Expires: r.CodeExpires,
	})
	return &try{Call: call, client: c, action: action, request: r}
}

// action returns the name of the call that r asks for.
func action(r exchange.Request) string {
	if r.Role == nil {
		return "GetSessionToken"
	}
	return "AssumeRole"
}

// result puts together what the connection, the answer and the SDK told.
func (t *try) result(ctx context.Context, got issued, err error) exchange.Result {
	if bad := t.judge(ctx, got, err); bad != nil {
		return t.failed(bad)
	}
	result := t.known()
	result.Credentials = creds.Credentials{
		AccessKeyID:     *got.credentials.AccessKeyId,
		SecretAccessKey: creds.NewSecret(*got.credentials.SecretAccessKey),
		SessionToken:    creds.NewSecret(*got.credentials.SessionToken),
		Expiration:      got.credentials.Expiration.UTC(),
	}
	return result
}

// known is what there is to know of every call.
func (t *try) known() exchange.Result {
	result := exchange.Result{Delivery: t.Delivery()}
	result.ServerTime, result.LocalTime = t.Clocks()
	return result
}

func (t *try) failed(bad *awshttp.Outcome) exchange.Result {
	result := t.known()
	bad.Err.Cause = t.Scrub(bad.Err.Cause)
	result.Verdict, result.Err = bad.Verdict, bad.Err
	return result
}

// judge returns nil if got may be used.
func (t *try) judge(ctx context.Context, got issued, err error) *awshttp.Outcome {
	if none := t.Unanswered(ctx); none != nil {
		return none
	}
	if refusal, ok := t.Refusal(err); ok {
		return t.classify(refusal)
	}
	if err != nil {
		return t.Useless("its answer does not have the form of one of STS")
	}
	if cause := t.defect(got); cause != "" {
		return t.Useless(cause)
	}
	return nil
}
