package sts

import (
	"net/http"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// apiError is an error that AWS answered. Its message is one line.
type apiError struct {
	status    int
	code      string
	message   string
	requestID string
}

// says reports whether the message holds text. AWS's spelling of capitals and
// final dots varies, and its messages are not documented, so this is a
// substring, and an unknown message is shown rather than acted on.
func (e apiError) says(text string) bool {
	return strings.Contains(strings.ToLower(e.message), strings.ToLower(text))
}

func (e apiError) is(codes ...string) bool { return slices.Contains(codes, e.code) }

// aboutTime reports whether AWS refused the time of the signature. The code is
// SignatureDoesNotMatch for a wrong secret and for a wrong clock.
func (e apiError) aboutTime() bool {
	return e.says("Signature expired") || e.says("Signature not yet current") || e.is("RequestExpired", "RequestTimeTooSkewed")
}

func (e apiError) throttled() bool {
	return e.status == http.StatusTooManyRequests || e.says("Rate exceeded") ||
		e.is("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown")
}

func (e apiError) unavailable() bool {
	return e.status/100 == 5 || e.is("ServiceUnavailable", "InternalFailure", "InternalError")
}

// classify turns an error of AWS into a verdict. The more specific text comes first:
// refusals of MFA, of policies and of durations share their codes.
func (t *try) classify(e apiError) *outcome {
	switch {
	case e.throttled():
		return t.unavailable(e, exchange.Throttled, "AWS limits the rate of calls")
	case e.unavailable():
		return t.unavailable(e, exchange.ServerError, "AWS failed on its side")
	case e.says("invalid MFA one time pass code"):
		return t.codeRefused(e)
	case e.aboutTime(), e.is("SignatureDoesNotMatch", "InvalidSignatureException") && t.farOff():
		return t.clockRefused(e)
	}
	thing, cause, remedy := t.refusal(e)
	return &outcome{exchange.Refused, fault.New(fault.Refused, thing, remedy, "%s%s", cause, suffix(e.requestID))}
}

func (t *try) refusal(e apiError) (thing, cause, remedy string) {
	switch {
	case e.says("unable to validate MFA code"):
		return t.wrongDevice()
	case e.says("must provide both MFA serial number and one time pass code"):
		return t.codeMissing()
	case e.says("exceeds the 1 hour session limit for roles assumed by role chaining"):
		return t.chainedTooLong()
	case e.says("exceeds the MaxSessionDuration set for this role"):
		return t.roleTooLong()
	case e.says("Cannot call GetSessionToken with session credentials"):
		return t.keyThing(), "GetSessionToken needs a long-lived access key, and this is one of a session", addKey
	case e.says("is not authorized to perform"):
		return t.notAuthorized(e)
	case e.is("InvalidClientTokenId"):
		return t.unknownKey()
	case e.is("SignatureDoesNotMatch", "InvalidSignatureException"):
		return t.wrongSecret()
	case e.is("ExpiredToken", "ExpiredTokenException"):
		return t.keyThing(), "the session that signs the call has expired", "aws-mfa-creds get --refresh --profile NAME"
	case e.is("RegionDisabledException"):
		return t.regionThing(), "STS is not active there for this account", "activate it in the account settings of the IAM console, or set another region"
	case e.is("OptInRequired"):
		return t.regionThing(), "the account is not enabled for it", "enable it in the account settings, or set another region"
	}
	return t.client.endpoint.Host, "AWS answered " + e.code + ": " + e.message, ""
}

// unavailable is for what may be well again in a moment.
func (t *try) unavailable(e apiError, verdict exchange.Verdict, cause string) *outcome {
	return &outcome{verdict, fault.New(fault.Unavailable, t.client.endpoint.Host, "try again later",
		"%s (HTTP %d, %s)%s", cause, e.status, e.code, suffix(e.requestID))}
}

// oneLine joins the lines and collapses the spaces of text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
