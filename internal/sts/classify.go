package sts

import (
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// classify turns an error of AWS into a verdict. The more specific text comes first:
// refusals of MFA, of policies and of durations share their codes.
func (t *try) classify(r awshttp.Refusal) *awshttp.Outcome {
	if passing := t.Passing(r); passing != nil {
		return passing
	}
	if r.Says("invalid MFA one time pass code") {
		return t.codeRefused(r)
	}
	thing, cause, remedy := t.refusal(r)
	return &awshttp.Outcome{Verdict: exchange.Refused, Err: fault.New(fault.Refused, thing, remedy, "%s%s", cause, r.Suffix())}
}

func (t *try) refusal(r awshttp.Refusal) (thing, cause, remedy string) {
	switch {
	case r.Says("unable to validate MFA code"):
		return t.wrongDevice()
	case r.Says("must provide both MFA serial number and one time pass code"):
		return t.codeMissing()
	case r.Says("exceeds the 1 hour session limit for roles assumed by role chaining"):
		return t.chainedTooLong()
	case r.Says("exceeds the MaxSessionDuration set for this role"):
		return t.roleTooLong()
	case r.Says("Cannot call GetSessionToken with session credentials"):
		return t.Key(), "GetSessionToken needs a long-lived access key, and this is one of a session", awshttp.AddKey
	}
	if denial, ok := r.Denial(); ok {
		return t.notAuthorized(denial)
	}
	if reason, cause, remedy := t.OfKey(r); reason != account.Other {
		return t.Key(), cause, remedy
	}
	switch {
	case r.Is("RegionDisabledException"):
		return t.regionThing(), "STS is not active there for this account", "activate it in the account settings of the IAM console, or set another region"
	case r.Is("OptInRequired"):
		return t.regionThing(), "the account is not enabled for it", "enable it in the account settings, or set another region"
	}
	return t.Host(), "AWS answered " + r.Code + ": " + r.Message, ""
}
