package awsapi

import (
	"fmt"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// refusedByIAM explains an error of IAM. Codes that its service model names are certain; the texts
// behind them are only shown.
func (c *call) refusedByIAM(r refusal) meaning {
	if m, ok := c.ofKey(r); ok {
		return m
	}
	switch strings.TrimSuffix(r.code, "Exception") {
	case "AccessDenied":
		return c.denied(r)
	case "EntityAlreadyExists":
		return meaning{kind: AlreadyExists, thing: c.thing(), cause: "it exists already, or is enabled for a user"}
	case "LimitExceeded":
		return c.limitExceeded(r)
	case "NoSuchEntity":
		return c.notFound(r)
	case "DeleteConflict":
		return meaning{kind: StillAssigned, thing: c.thing(), cause: "it is still enabled for a user, and cannot be deleted", remedy: "try again in a minute"}
	case "InvalidAuthenticationCode":
		return meaning{
			kind: CodeRefused, thing: c.thing(), remedy: "wait for the next code, then run the command again",
			cause: "AWS refused the two token codes: they are not of consecutive time steps, used already, too old, or from another seed" + c.offClock(),
		}
	case "EntityTemporarilyUnmodifiable", "ConcurrentModification":
		return meaning{
			kind: Busy, thing: c.thing(), remedy: "try again in a minute",
			cause: "it was changed a moment ago, and AWS does not accept another change yet",
		}
	}
	return r.unknown(Refused, c.thing())
}

// offClock adds how wrong the clock is that the codes are from, once it matters: half a time step.
func (c *call) offClock() string {
	off, known := c.offset()
	if !known || off.Abs() < totp.Period/2 {
		return ""
	}
	return fmt.Sprintf("; the clock that made them is %s off", fault.About(off.Abs()))
}

// thing names what the call is about.
func (c *call) thing() string {
	switch {
	case c.Serial != "":
		return "MFA device " + c.Serial
	case c.name != "":
		return "MFA device " + c.name
	case c.keyID != "":
		return "access key " + c.keyID
	case c.user != "":
		return "user " + c.user
	}
	return c.signer()
}

// owner names the user whose device or key it is. Without a name it is whoever signs.
func (c *call) owner() string {
	if c.user == "" {
		return "the user of " + c.signer()
	}
	return "user " + c.user
}

// FreeDevice and FreeKey are how to get below the quota of a user.
func FreeDevice(user string) (remedy string) {
	return "remove one: aws iam deactivate-mfa-device --user-name " + user + " --serial-number SERIAL"
}

// FreeKey is FreeDevice for access keys.
func FreeKey(user string) (remedy string) {
	return "delete the one that is not used: aws iam delete-access-key --user-name " + user + " --access-key-id ID"
}

// limitExceeded is for the quotas of one user, which no request raises ("IAM and AWS STS quotas"), and
// for those of the account.
func (c *call) limitExceeded(r refusal) meaning {
	m := meaning{kind: LimitExceeded, thing: c.owner()}
	switch c.action {
	case "EnableMFADevice":
		m.cause = "it already has eight MFA devices, the most that IAM allows"
		m.remedy = FreeDevice(c.user)
	case "CreateAccessKey":
		m.cause = "it already has two access keys, the most that IAM allows"
		m.remedy = FreeKey(c.user)
	default:
		m.thing, m.cause = c.thing(), "the account has reached a quota of IAM: "+r.message
	}
	return m
}

func (c *call) notFound(r refusal) meaning {
	if c.Serial == "" || r.says("user with name") {
		return r.unknown(NotFound, c.thing())
	}
	return meaning{
		kind: NotFound, thing: c.thing(), cause: "there is no such device, or it is not one of " + c.owner(),
		remedy: "aws-mfa-creds enroll --profile NAME",
	}
}

// denied is for a missing permission. Self-service policies deny nearly everything to a call without
// MFA. IAM itself wants MFA before a user gets another device.
func (c *call) denied(r refusal) meaning {
	m := meaning{kind: Denied, thing: c.thing()}
	m.remedy = "ask an administrator to allow iam:" + c.action
	d, ok := r.denial()
	if !ok {
		m.cause = "AWS denied " + c.action + ": " + r.message
		return m
	}
	m.wantsMFA = c.Token.IsZero() && (d.explicit() || c.action == "EnableMFADevice")
	m.cause = d.String()
	return m
}
