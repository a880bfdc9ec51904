package awsapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// addKey is what to do about a stored access key that does not work.
const addKey = "run: aws-mfa-creds add --profile NAME; if it is from the environment, correct AWS_MFA_CREDS_ACCESS_KEY_ID and AWS_MFA_CREDS_SECRET_ACCESS_KEY"

// refusal is an error that AWS answered. Its message is one line, without the secrets of the request.
type refusal struct {
	status    int    // HTTP
	code      string // "AccessDenied"
	message   string
	requestID string
}

// says reports whether the message holds text. AWS's spelling of capitals and final dots varies, and
// its messages are not documented, so this is a substring, and an unknown message is shown rather than
// acted on.
func (r refusal) says(text string) bool {
	return strings.Contains(strings.ToLower(r.message), strings.ToLower(text))
}

// is reports whether the error has one of the codes.
func (r refusal) is(codes ...string) bool { return slices.Contains(codes, r.code) }

// meaning is what a refusal says about the call.
type meaning struct {
	kind                 Kind
	thing, cause, remedy string
	wantsMFA             bool
}

// refused explains an error that AWS answered.
func (c *call) refused(r refusal) *Error {
	m, ok := c.passing(r)
	switch {
	case ok:
	case c.at.service == iam:
		m = c.refusedByIAM(r)
	default:
		m = c.refusedBySTS(r)
	}
	kind := fault.Refused
	switch m.kind {
	case Throttled, ServerError, Busy:
		kind = fault.Unavailable
	case ClockRefused:
		kind = fault.Clock
	default:
	}
	failed := c.fail(m.kind, fault.New(kind, m.thing, m.remedy, "%s%s", m.cause, suffix(r.requestID)))
	failed.WantsMFA = m.wantsMFA
	return failed
}

// unknown is for a refusal that has no meaning to this program.
func (r refusal) unknown(kind Kind, thing string) meaning {
	return meaning{kind: kind, thing: thing, cause: "AWS answered " + r.code + ": " + r.message}
}

// passing explains a refusal that is about the moment rather than the request: too many calls, a
// failure of AWS, a wrong clock.
func (c *call) passing(r refusal) (meaning, bool) {
	throttled := r.status == http.StatusTooManyRequests || r.says("Rate exceeded") ||
		r.is("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown")
	detail := fmt.Sprintf(" (HTTP %d, %s)", r.status, r.code)
	switch {
	case throttled:
		return meaning{kind: Throttled, thing: c.host(), cause: "AWS limits the rate of calls" + detail, remedy: "try again later"}, true
	case r.status/100 == 5 || r.is("ServiceUnavailable", "InternalFailure", "InternalError"):
		return meaning{kind: ServerError, thing: c.host(), cause: "AWS failed on its side" + detail, remedy: "try again later"}, true
	case c.aboutTime(r):
		return meaning{kind: ClockRefused, thing: "clock", cause: c.clockCause(), remedy: "set this machine's clock"}, true
	}
	return meaning{}, false
}

// maxSkew is how far AWS lets the time of a signature be off ("... (Z - 5 min.)").
const maxSkew = 5 * time.Minute

// aboutTime reports whether AWS refused the time of the signature. The code is SignatureDoesNotMatch
// for a wrong secret and for a wrong clock.
func (c *call) aboutTime(r refusal) bool {
	off, known := c.offset()
	return r.says("Signature expired") || r.says("Signature not yet current") || r.is("RequestExpired", "RequestTimeTooSkewed") ||
		r.aboutSignature() && known && off.Abs() > maxSkew
}

func (r refusal) aboutSignature() bool {
	return r.is("SignatureDoesNotMatch", "InvalidSignatureException")
}

func (c *call) clockCause() string {
	off, known := c.offset()
	if !known || off.Abs() <= maxSkew {
		return "AWS refused the time of the request"
	}
	side := "ahead of"
	if off < 0 {
		side = "behind"
	}
	return fmt.Sprintf("the request was signed for a time %s %s AWS's clock", fault.About(off.Abs()), side)
}

// ofKey explains a refusal of the key that signed the request. IAM does not know a session that was
// made without MFA.
func (c *call) ofKey(r refusal) (meaning, bool) {
	thing := c.signer()
	switch {
	case r.is("InvalidClientTokenId") && c.at.service == iam && !c.Token.IsZero():
		return meaning{
			kind: KeyUnknown, thing: thing, remedy: "aws-mfa-creds get --refresh --profile NAME",
			cause: "IAM does not accept it: revoked, of another partition, or of a session without MFA, which may not call IAM",
		}, true
	case r.is("InvalidClientTokenId"):
		cause := fmt.Sprintf("AWS does not accept it in region %s: deleted, inactive, or of another partition", c.at.region)
		return meaning{kind: KeyUnknown, thing: thing, cause: cause, remedy: addKey}, true
	case r.aboutSignature():
		return meaning{kind: SecretWrong, thing: thing, cause: "the secret does not belong to it (the signature does not match)", remedy: addKey}, true
	case r.is("ExpiredToken", "ExpiredTokenException"):
		return meaning{kind: SessionExpired, thing: thing, cause: "the session that signs the call has expired", remedy: "aws-mfa-creds get --refresh --profile NAME"}, true
	}
	return meaning{}, false
}

// signer names the key that signed the request, for messages.
func (c *call) signer() string {
	if c.Token.IsZero() {
		return "access key " + c.Key.ID
	}
	return "session key " + c.Key.ID
}

// policyDenial is what AWS says about a call that no policy allows, or that one denies.
type policyDenial struct {
	caller string // the ARN of whoever called; "it" if the text does not say
	action string // "iam:CreateVirtualMFADevice"; "it" if the text does not say

	// why names the policy that decided, as far as AWS does: "explicit deny in an identity-based
	// policy", "no identity-based policy allows the ... action".
	why string
}

func (d policyDenial) explicit() bool { return strings.HasPrefix(d.why, "explicit deny") }

// String completes a cause.
func (d policyDenial) String() string {
	cause := d.caller + " may not call " + d.action
	if d.why != "" {
		cause += " (" + d.why + ")"
	}
	return cause
}

// denial returns what the refusal says about policies, if it is about them.
func (r refusal) denial() (policyDenial, bool) {
	if !r.says("is not authorized to perform") {
		return policyDenial{}, false
	}
	d := policyDenial{caller: between(r.message, "User: ", " is not authorized"), action: between(r.message, "is not authorized to perform: ", " ")}
	if _, why, ok := strings.Cut(r.message, " with an explicit deny"); ok {
		d.why = "explicit deny" + strings.TrimSuffix(why, ".")
	} else if _, why, ok := strings.Cut(r.message, " because "); ok {
		d.why = strings.TrimSuffix(why, ".")
	}
	return d, true
}

// between returns what stands between two texts, up to the end if the second is missing, and "it" if
// the first is.
func between(s, before, after string) string {
	_, rest, ok := strings.Cut(s, before)
	if !ok {
		return "it"
	}
	found, _, _ := strings.Cut(rest, after)
	return strings.TrimRight(found, ".,")
}

// suffix ends a cause with AWS's request id, if there is one.
func suffix(requestID string) string {
	if requestID == "" {
		return ""
	}
	return fmt.Sprintf(" (request id %s)", requestID)
}

// oneLine joins the lines and collapses the spaces of text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
