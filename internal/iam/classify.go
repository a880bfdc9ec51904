package iam

import (
	"fmt"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// refused turns an error of AWS into a reason and its line. Codes that IAM's
// service model names are certain; the texts behind them are only shown.
func (t *try) refused(r awshttp.Refusal) *account.Error {
	if passing := t.Passing(r); passing != nil {
		return t.outcome(passing)
	}
	if reason, cause, remedy := t.OfKey(r); reason != account.Other {
		return t.keyRefused(r, reason, cause, remedy)
	}
	if r.Is("AccessDenied", "AccessDeniedException") {
		return t.denied(r)
	}
	reason, kind := reasonOf(r), fault.Refused
	if reason == account.Busy {
		kind = fault.Unavailable
	}
	thing, cause, remedy := t.explain(reason, r)
	return t.fail(reason, fault.New(kind, thing, remedy, "%s%s", cause, r.Suffix()))
}

func reasonOf(r awshttp.Refusal) account.Reason {
	switch r.Code {
	case "EntityAlreadyExists", "EntityAlreadyExistsException":
		return account.AlreadyExists
	case "LimitExceeded", "LimitExceededException":
		return account.LimitExceeded
	case "NoSuchEntity", "NoSuchEntityException":
		return account.NotFound
	case "DeleteConflict", "DeleteConflictException":
		return account.StillAssigned
	case "InvalidAuthenticationCode", "InvalidAuthenticationCodeException":
		return account.CodeRefused
	case "EntityTemporarilyUnmodifiable", "EntityTemporarilyUnmodifiableException", "ConcurrentModification", "ConcurrentModificationException":
		return account.Busy
	}
	return account.Other
}

// keyRefused is for the key that signed. IAM answers a session that was made
// without MFA as one that it does not know.
func (t *try) keyRefused(r awshttp.Refusal, reason account.Reason, cause, remedy string) *account.Error {
	if reason == account.KeyUnknown && !t.client.options.Token.IsZero() {
		cause = "IAM does not accept it: revoked, of another partition, or of a session without MFA, which may not call IAM"
		remedy = "aws-mfa-creds get --refresh --profile NAME"
	}
	return t.fail(reason, fault.New(fault.Refused, t.Key(), remedy, "%s%s", cause, r.Suffix()))
}

// explain tells what an error of IAM means for this call.
func (t *try) explain(reason account.Reason, r awshttp.Refusal) (thing, cause, remedy string) {
	switch reason {
	case account.AlreadyExists:
		return t.alreadyExists()
	case account.LimitExceeded:
		return t.limitExceeded(r)
	case account.NotFound:
		return t.notFound(r)
	case account.StillAssigned:
		return t.device(), "it is still enabled for a user, and cannot be deleted", "aws iam deactivate-mfa-device --user-name USER --serial-number " + t.about.serial
	case account.CodeRefused:
		return t.device(), "AWS refused the two token codes: not of consecutive time steps, used already, too old, or of another seed" + t.offClock(),
			"wait for the next code, and run it again"
	case account.Busy:
		return t.thing(), "AWS does not take a change of it yet, because it was changed a moment ago", "try again in a minute"
	default:
		return t.thing(), "AWS answered " + r.Code + ": " + r.Message, ""
	}
}

// offClock adds how wrong the clock is that the codes are from, once it matters:
// half a time step.
func (t *try) offClock() string {
	off, known := t.Offset()
	if !known || off.Abs() < totp.Period/2 {
		return ""
	}
	return fmt.Sprintf("; the clock they are from is %s off", awshttp.Brief(off.Abs().Round(time.Second)))
}
