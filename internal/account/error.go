package account

import (
	"errors"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
)

// Reason is the class of a failed call, as far as the choice of what to do next
// needs it.
type Reason int

// The reasons.
const (
	Other          Reason = iota // a definite no that has no reason of its own, or no *Error at all
	AlreadyExists                // EntityAlreadyExists: the name is taken, or the device is enabled
	LimitExceeded                // eight devices, two access keys, or another quota
	NotFound                     // NoSuchEntity
	StillAssigned                // DeleteConflict: deactivate the device first
	CodeRefused                  // InvalidAuthenticationCode
	Busy                         // EntityTemporarilyUnmodifiable, ConcurrentModification: try again
	Denied                       // AccessDenied; see Error.Denial
	KeyUnknown                   // InvalidClientTokenId: deleted, inactive, too new, or a session without MFA
	SecretWrong                  // SignatureDoesNotMatch, and the clock is not why
	SessionExpired               // ExpiredToken
	ClockRefused                 // the signature's time is too far from AWS's clock
	Throttled                    // Throttling, 429
	ServerError                  // 5xx, and answers that are AWS's but of no use
	Lost                         // sent, and no answer came: it may have been done
	Unreachable                  // DNS, connect, proxy, TLS; or an answer, but not AWS's
	CodeOutOfDate                // given up unsent, because Pair.Expires had passed
)

// Error is a failed call. It wraps the *fault.Error that tells of it.
type Error struct {
	Reason   Reason
	Delivery exchange.Delivery // whether AWS has seen the request, and with it its codes
	Denial   Denial            // when Reason is Denied
	Err      error             // a *fault.Error
}

// Denial is what AWS told of the permission that is missing.
type Denial struct {
	Action   string // "iam:CreateVirtualMFADevice"; "" if AWS does not tell
	Explicit bool   // a policy denies it, rather than that none allows it

	// WantsMFA: most likely a session with MFA would do. The call was signed by an
	// access key alone, and a policy denies it or it enables a further device.
	WantsMFA bool
}

// Error returns the text of the *fault.Error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the *fault.Error.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the reason of err, or Other.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return Other
}

// ReasonFor returns the reason that a verdict on the connection or the moment
// stands for, or Other.
func ReasonFor(v exchange.Verdict) Reason {
	switch v {
	case exchange.CodeRefused:
		return CodeRefused
	case exchange.ClockRefused:
		return ClockRefused
	case exchange.Throttled:
		return Throttled
	case exchange.ServerError:
		return ServerError
	case exchange.Lost:
		return Lost
	case exchange.Unreachable:
		return Unreachable
	case exchange.CodeOutOfDate:
		return CodeOutOfDate
	case exchange.OK, exchange.Refused:
		return Other
	}
	return Other
}

// String returns the reason in words, for records.
func (r Reason) String() string {
	names := [...]string{
		Other: "refused", AlreadyExists: "already exists", LimitExceeded: "limit exceeded", NotFound: "not found",
		StillAssigned: "still assigned", CodeRefused: "code refused", Busy: "busy", Denied: "denied",
		KeyUnknown: "key unknown", SecretWrong: "secret wrong", SessionExpired: "session expired", ClockRefused: "clock refused",
		Throttled: "throttled", ServerError: "server error", Lost: "lost", Unreachable: "unreachable", CodeOutOfDate: "code out of date",
	}
	if r < 0 || int(r) >= len(names) {
		return "?"
	}
	return names[r]
}
