package awsapi

import (
	"fmt"
	"strings"
	"time"

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
		return c.alreadyExists()
	case "LimitExceeded":
		return c.limitExceeded(r)
	case "NoSuchEntity":
		return c.notFound(r)
	case "DeleteConflict":
		return meaning{
			kind: StillAssigned, thing: c.thing(), cause: "it is still enabled for a user, and cannot be deleted",
			remedy: "aws iam deactivate-mfa-device --user-name USER --serial-number " + c.Serial,
		}
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
	return fmt.Sprintf("; the clock that made them is %s off", fault.Duration(off.Abs().Round(time.Second)))
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

// ofUser is the flag of the AWS CLI that names the user, with a space before it.
func (c *call) ofUser() string {
	if c.user == "" {
		return ""
	}
	return " --user-name " + c.user
}

func (c *call) alreadyExists() meaning {
	m := meaning{kind: AlreadyExists, thing: c.thing()}
	if c.name == "" {
		m.cause, m.remedy = "it is already enabled for a user", "aws iam list-virtual-mfa-devices --assignment-status Assigned"
		return m
	}
	m.cause = "the account has a virtual MFA device of that name, perhaps left over from an enrollment that did not finish"
	m.remedy = "choose another name with --device-name, or replace an unassigned one with --replace-unassigned"
	return m
}

// limitExceeded is for the quotas of one user, which no request raises ("IAM and AWS STS quotas"), and
// for those of the account.
func (c *call) limitExceeded(r refusal) meaning {
	m := meaning{kind: LimitExceeded, thing: c.owner()}
	switch c.action {
	case "EnableMFADevice":
		m.cause = "it already has eight MFA devices, the most that IAM allows"
		m.remedy = "remove one of those listed by: aws iam list-mfa-devices" + c.ofUser()
	case "CreateAccessKey":
		m.cause = "it already has two access keys, the most that IAM allows"
		m.remedy = "delete one of those listed by: aws iam list-access-keys" + c.ofUser()
	default:
		m.thing, m.cause = c.thing(), "the account has reached a quota of IAM: "+r.message
	}
	return m
}

func (c *call) notFound(r refusal) meaning {
	m := meaning{kind: NotFound, thing: c.thing()}
	switch {
	case r.says("user with name"):
		m.thing, m.cause, m.remedy = c.owner(), "there is no such user in the account", "aws sts get-caller-identity"
	case c.Serial != "":
		m.cause, m.remedy = "there is no such device, or it is not one of "+c.owner(), "aws iam list-mfa-devices"+c.ofUser()
	case c.keyID != "":
		m.cause, m.remedy = c.owner()+" has no such access key", "aws iam list-access-keys"+c.ofUser()
	default:
		return r.unknown(NotFound, c.thing())
	}
	return m
}

// denied is for a missing permission. Self-service policies deny nearly everything to a call without
// MFA, and many allow only a device that is named like the user. IAM itself wants MFA before a user
// gets another device.
func (c *call) denied(r refusal) meaning {
	m := meaning{kind: Denied, thing: c.thing()}
	d, ok := r.denial()
	if !ok {
		m.cause = "AWS denied " + c.action + ": " + r.message
		return m
	}
	m.wantsMFA = c.Token.IsZero() && (d.explicit() || c.action == "EnableMFADevice")
	m.cause, m.remedy = d.String(), c.permission(d, m.wantsMFA)
	return m
}

// permission says how to get a permission.
func (c *call) permission(d policyDenial, wantsMFA bool) (remedy string) {
	remedy = "ask an administrator to allow " + d.action
	if user := (Identity{ARN: d.caller}).User(); c.name != "" && user != "" && c.name != user {
		remedy = "try --device-name " + user + " (many policies allow only a device named like the user), or " + remedy
	}
	if wantsMFA {
		remedy = "sign with a session of a device that already works, or " + remedy
	}
	return remedy
}
