package sts

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
)

// GetCallerIdentity asks in one HTTP request whose key signs r, of which only Key,
// Token and Skew count. It needs no permission and no policy can deny it, so a
// refusal is about the key itself or the clock. The result has no credentials; its
// Err is an *account.Error, whose Reason tells a key that AWS does not know yet from
// a wrong secret, and which wraps a *fault.Error.
func (c *Client) GetCallerIdentity(ctx context.Context, r exchange.Request) (account.Identity, exchange.Result) {
	t := newTry(c, "GetCallerIdentity", exchange.Request{Key: r.Key, Token: r.Token, Skew: r.Skew})
	out, err := awssts.New(t.options()).GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
	bad, reason := t.unidentified(ctx, out, err)
	if bad != nil {
		result := t.failed(bad)
		result.Err = &account.Error{Reason: reason, Delivery: result.Delivery, Err: result.Err}
		t.Record(ctx, c.log, "sts call", reason.String(), result.Err)
		return account.Identity{}, result
	}
	t.Record(ctx, c.log, "sts call", verdictName(exchange.OK), nil)
	return account.Identity{Account: *out.Account, ARN: *out.Arn, ID: aws.ToString(out.UserId)}, t.known()
}

// unidentified explains why out may not be used, or returns nil.
func (t *try) unidentified(ctx context.Context, out *awssts.GetCallerIdentityOutput, err error) (*awshttp.Outcome, account.Reason) {
	if none := t.Unanswered(ctx); none != nil {
		return none, account.ReasonFor(none.Verdict)
	}
	if refusal, ok := t.Refusal(err); ok {
		bad := t.classify(refusal)
		reason := account.ReasonFor(bad.Verdict)
		if bad.Verdict == exchange.Refused {
			reason, _, _ = t.OfKey(refusal)
		}
		return bad, reason
	}
	if err != nil || aws.ToString(out.Arn) == "" || aws.ToString(out.Account) == "" {
		return t.Useless("its answer does not say whose key it is"), account.ServerError
	}
	return nil, account.Other
}
