package awshttp

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// AddKey is what to do about a stored access key that is no good.
const AddKey = "store a valid access key and its secret (AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY)"

// Refusal is an error that AWS answered. Its message is one line. AWS quotes what
// it does not accept, so the secrets of the request have been taken out.
type Refusal struct {
	Status  int    // HTTP
	Code    string // "AccessDenied"
	Message string

	requestID string
}

// Says reports whether the message holds text. AWS's spelling of capitals and
// final dots varies, and its messages are not documented, so this is a
// substring, and an unknown message is shown rather than acted on.
func (r Refusal) Says(text string) bool {
	return strings.Contains(strings.ToLower(r.Message), strings.ToLower(text))
}

// Is reports whether the error has one of the codes.
func (r Refusal) Is(codes ...string) bool { return slices.Contains(codes, r.Code) }

// Suffix ends a cause with AWS's request id, if there is one.
func (r Refusal) Suffix() string { return suffix(r.requestID) }

// aboutTime reports whether AWS refused the time of the signature. The code is
// SignatureDoesNotMatch for a wrong secret and for a wrong clock.
func (r Refusal) aboutTime() bool {
	return r.Says("Signature expired") || r.Says("Signature not yet current") || r.Is("RequestExpired", "RequestTimeTooSkewed")
}

func (r Refusal) aboutSignature() bool {
	return r.Is("SignatureDoesNotMatch", "InvalidSignatureException")
}

func (r Refusal) throttled() bool {
	return r.Status == http.StatusTooManyRequests || r.Says("Rate exceeded") ||
		r.Is("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown")
}

func (r Refusal) unavailable() bool {
	return r.Status/100 == 5 || r.Is("ServiceUnavailable", "InternalFailure", "InternalError")
}

// Passing explains a refusal that is about the moment rather than the request:
// too many calls, a failure of AWS, a wrong clock. It returns nil for others.
func (c *Call) Passing(r Refusal) *Outcome {
	switch {
	case r.throttled():
		return c.unavailable(r, exchange.Throttled, "AWS limits the rate of calls")
	case r.unavailable():
		return c.unavailable(r, exchange.ServerError, "AWS failed on its side")
	case r.aboutTime(), r.aboutSignature() && c.farOff():
		return c.clockRefused(r)
	}
	return nil
}

// unavailable is for what may be well again in a moment.
func (c *Call) unavailable(r Refusal, verdict exchange.Verdict, cause string) *Outcome {
	return &Outcome{verdict, fault.New(fault.Unavailable, c.Host(), "try again later",
		"%s (HTTP %d, %s)%s", cause, r.Status, r.Code, r.Suffix())}
}

func (c *Call) clockRefused(r Refusal) *Outcome {
	cause := "AWS refused the time of the request"
	if c.farOff() {
		off, _ := c.Offset()
		side := "ahead of"
		if off < 0 {
			side = "behind"
		}
		cause = fmt.Sprintf("the request was signed for a time %s %s AWS's clock", Brief(off.Abs().Round(time.Second)), side)
	}
	return &Outcome{exchange.ClockRefused, fault.New(fault.Clock, "clock", "set this machine's clock", "%s%s", cause, r.Suffix())}
}

// OfKey explains a refusal of the key that signed the request. The reason is
// account.Other for other refusals, and for those that Passing explains.
func (c *Call) OfKey(r Refusal) (reason account.Reason, cause, remedy string) {
	switch {
	case r.Is("InvalidClientTokenId"):
		return account.KeyUnknown, fmt.Sprintf("AWS does not accept it in region %s: deleted, inactive, or of another partition", c.peer.Region), AddKey
	case r.aboutSignature():
		return account.SecretWrong, "the secret that is stored for it is not its own (the signature does not match)", AddKey
	case r.Is("ExpiredToken", "ExpiredTokenException"):
		return account.SessionExpired, "the session that signs the call has expired", "aws-mfa-creds get --refresh --profile NAME"
	}
	return account.Other, "", ""
}

// Key names the key that signed the request, for messages.
func (c *Call) Key() string {
	if c.request.Token.IsZero() {
		return "access key " + c.request.Key.ID
	}
	return "session key " + c.request.Key.ID
}

// suffix ends a cause with AWS's request id, if there is one.
func suffix(requestID string) string {
	if requestID == "" {
		return ""
	}
	return fmt.Sprintf(" (request id %s)", requestID)
}

// Brief formats d without zero minutes and seconds: 12h, 1h30m, 15s.
func Brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// oneLine joins the lines and collapses the spaces of text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
