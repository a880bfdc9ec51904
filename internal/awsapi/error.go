package awsapi

import (
	"errors"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Delivery says whether AWS has seen a request, and with it its token code.
type Delivery int

// The states of a request. A token code must be accepted only once (RFC 6238 section 5.2).
const (
	// Unsent: no byte of the request was written (DNS, connect, proxy, TLS). Its code is free.
	Unsent Delivery = iota
	// Unknown: part or all of it was written, and no answer from AWS came back. The code may have
	// been accepted.
	Unknown
	// Answered: AWS answered. The code counts as spent, whatever the answer says.
	Answered
)

// String returns the state in words, for logs.
func (d Delivery) String() string { return [...]string{"unsent", "unknown", "answered"}[d] }

// Kind is the class of a failed call: what the choice of the next step depends on.
type Kind int

// The kinds of failure.
const (
	None           Kind = iota // no failed call: the error is nil or not an *Error
	Refused                    // a definite no that has no kind of its own
	AlreadyExists              // EntityAlreadyExists: the name is taken, or the device is enabled
	LimitExceeded              // eight devices, two access keys, or another quota
	NotFound                   // NoSuchEntity
	StillAssigned              // DeleteConflict: deactivate the device first
	CodeRefused                // "invalid MFA one time pass code", InvalidAuthenticationCode
	Busy                       // EntityTemporarilyUnmodifiable, ConcurrentModification: try again
	Denied                     // a permission is missing; see Error.WantsMFA
	KeyUnknown                 // InvalidClientTokenId: deleted, inactive, too new, or a session without MFA
	SecretWrong                // SignatureDoesNotMatch, and the clock is not the reason
	SessionExpired             // ExpiredToken
	ClockRefused               // the time of the signature is too far from AWS's clock
	Throttled                  // Throttling, 429
	ServerError                // 5xx, and answers from AWS that are of no use
	Lost                       // sent, but the connection broke or timed out before the answer was complete
	Unreachable                // DNS, connect, proxy, TLS; settings that name no endpoint; an answer that is not from AWS
	CodeOutOfDate              // not sent, because the code had expired
	DeviceUnknown              // "unable to validate MFA code": the device was deleted, or is another user's
)

// String returns the kind in words, for logs.
func (k Kind) String() string {
	return [...]string{
		"ok", "refused", "already exists", "limit exceeded", "not found", "still assigned", "code refused", "busy", "denied", "key unknown",
		"secret wrong", "session expired", "clock refused", "throttled", "server error", "lost", "unreachable", "code out of date", "device unknown",
	}[k]
}

// Error is a failed call.
type Error struct {
	Kind     Kind
	Delivery Delivery

	// WantsMFA: the call was Denied, and a session with MFA would probably be allowed. It was signed
	// by an access key alone, and either a policy denies it or it enables another device.
	WantsMFA bool

	Err error // the *fault.Error to show
}

// Error returns the text of the *fault.Error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the *fault.Error.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, or None.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return None
}

// DeliveryOf returns whether AWS has seen the request that failed with err: Answered for nil,
// Unknown for an error that is not an *Error.
func DeliveryOf(err error) Delivery {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Delivery
	}
	if err != nil {
		return Unknown
	}
	return Answered
}

// fail returns the failure of c as it stands, without the secrets of the request: AWS quotes what
// it does not accept, and a stranger may send back anything.
func (c *call) fail(kind Kind, err *fault.Error) *Error {
	err.Cause = c.scrub(err.Cause)
	return &Error{Kind: kind, Delivery: c.delivery(), Err: err}
}
