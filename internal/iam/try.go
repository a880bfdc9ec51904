package iam

import (
	"context"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// subject is what a call is about: what its refusals name.
type subject struct {
	action string // "EnableMFADevice"
	user   string // "" is the caller
	serial string // of a device
	name   string // of a device that is to be made
	key    string // the id of an access key
	pair   account.Pair
}

// try is one call and what it is about.
type try struct {
	*awshttp.Call
	client *Client
	about  subject
}

func newTry(c *Client, about subject) *try {
	r := awshttp.Request{
		Action: about.action, Key: c.options.Key, Token: c.options.Token,
		Codes: []creds.Secret{about.pair.First, about.pair.Second}, Expires: about.pair.Expires,
	}
	if c.options.Skew != nil {
		r.Skew = c.options.Skew()
	}
	return &try{Call: awshttp.NewCall(&c.peer, r), client: c, about: about}
}

// failed explains a call that the SDK reported with err, or returns nil.
func (t *try) failed(ctx context.Context, err error) *account.Error {
	if none := t.Unanswered(ctx); none != nil {
		return t.outcome(none)
	}
	if refusal, ok := t.Refusal(err); ok {
		return t.refused(refusal)
	}
	if err != nil {
		return t.useless("its answer does not have the form of one of IAM")
	}
	return nil
}

// useless is for an answer that is AWS's and of no use.
func (t *try) useless(cause string) *account.Error { return t.outcome(t.Useless(cause)) }

func (t *try) outcome(o *awshttp.Outcome) *account.Error {
	return t.fail(account.ReasonFor(o.Verdict), o.Err)
}

func (t *try) fail(reason account.Reason, told *fault.Error) *account.Error {
	told.Cause = t.Scrub(told.Cause)
	return &account.Error{Reason: reason, Delivery: t.Delivery(), Err: told}
}
