// Package exchange is the vocabulary of one call to STS: what is asked, what
// came back, and what is known about a request that failed. The orchestrator
// (internal/session) and the client (internal/sts) share it, so that neither has to know the other.
package exchange

import (
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// Request is one call: GetSessionToken when Role is nil, AssumeRole otherwise.
type Request struct {
	// Key signs the request. Token is its session token when a session signs
	// (a chained AssumeRole), and empty when the long-lived access key does.
	Key   creds.AccessKey
	Token creds.Secret

	Role     *creds.Role   // the role to assume, or nil for GetSessionToken
	Duration time.Duration // whole seconds, within the limits of the call

	Serial string       // the MFA device's serial; empty when no code is sent
	Code   creds.Secret // six digits; empty when no code is sent

	// Skew is AWS's clock minus this machine's, as last measured. The request is
	// signed for the corrected time.
	Skew time.Duration

	// CodeExpires is the corrected time at which the code's time step ends. A
	// request that could not be written before it is given up unsent, so that
	// a slow DNS, connect or TLS handshake does not waste a code. Zero: no limit.
	CodeExpires time.Time
}

// Role is the role to assume. Its Duration is that of the Request.
type Role = creds.Role

// Delivery tells whether AWS has seen the request, and with it its token code.
type Delivery int

// The states of a request that carried a token code (RFC 6238 section 5.2: a code
// must be accepted only once).
const (
	// Unsent: no byte of the request was written (DNS, connect, proxy, TLS). The
	// step is free.
	Unsent Delivery = iota
	// Unknown: it was written, in part or whole, and no answer of AWS came back.
	// The code may have been accepted.
	Unknown
	// Answered: AWS answered. The code counts as spent, whatever the answer says.
	Answered
)

// Verdict is the class of the outcome, as far as the orchestrator's choice
// between "again", "not again" and "not again soon" needs it.
type Verdict int

// The verdicts.
const (
	OK            Verdict = iota
	CodeRefused           // "MultiFactorAuthentication failed with invalid MFA one time pass code"
	ClockRefused          // the signature's time is too far from AWS's clock
	Refused               // a definite no: key, device, policy, parameters
	Throttled             // Throttling, 429
	ServerError           // 5xx, and answers that are AWS's but of no use
	Lost                  // sent, but the connection broke or timed out before the answer was whole
	Unreachable           // DNS, connect, proxy, TLS; or an answer, but not AWS's
	CodeOutOfDate         // given up unsent, because CodeExpires had passed
)

// Result is everything known after a call.
type Result struct {
	Verdict  Verdict
	Delivery Delivery

	// Credentials are set when Verdict is OK.
	Credentials creds.Credentials

	// ServerTime is AWS's clock at LocalTime, from the answer's Date header;
	// zero if no answer carried one. Their difference is the skew.
	ServerTime time.Time
	LocalTime  time.Time

	// Err is a *fault.Error when Verdict is not OK.
	Err error
}
