package awsapi

import (
	"fmt"
	"path"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// refusedBySTS explains an error that only STS gives. The more specific text comes first: refusals of
// MFA, of policies and of durations share their codes.
func (c *call) refusedBySTS(r refusal) meaning {
	switch {
	case r.says("invalid MFA one time pass code"):
		return meaning{
			kind: CodeRefused, thing: "MFA device " + c.Serial, cause: "AWS refused the token code: used already, a wrong seed, or a wrong clock",
			remedy: "if other computers or jobs use it, set shared_cache for all of them; if an authenticator app has the device too, compare its code with: aws-mfa-creds code --profile NAME, or resynchronize the device: aws-mfa-creds resync --profile NAME",
		}
	case r.says("unable to validate MFA code"):
		return meaning{
			kind: DeviceUnknown, thing: "MFA device " + c.Serial, remedy: "compare the serial with: aws iam list-mfa-devices, or if it is not there: aws-mfa-creds enroll --profile NAME",
			cause: fmt.Sprintf("AWS does not know this device for the user of access key %s, or the key is inactive", c.Key.ID),
		}
	case r.says("must provide both MFA serial number and one time pass code"):
		return meaning{
			kind: Refused, thing: c.roleThing(), cause: "it requires MFA, and the call had " + c.factors(),
			remedy: "set mfa_serial and the seed (AWS_MFA_CREDS_SEED)",
		}
	case r.says("exceeds the 1 hour session limit for roles assumed by role chaining"):
		return meaning{
			kind: Refused, thing: c.roleThing(), remedy: "give --duration 1h",
			cause: fault.Duration(c.Duration) + " was requested, but a role that is assumed from another session lasts 1h at most",
		}
	case r.says("exceeds the MaxSessionDuration set for this role"):
		return c.longerThanRole()
	case r.says("Cannot call GetSessionToken with session credentials"):
		return meaning{kind: Refused, thing: c.signer(), cause: "GetSessionToken needs a long-lived access key, and this key belongs to a session", remedy: addKey}
	}
	if denial, ok := r.denial(); ok {
		return c.notAuthorized(denial)
	}
	if m, ok := c.ofKey(r); ok {
		return m
	}
	switch thing := "region " + c.client.options.Region; r.code {
	case "RegionDisabledException":
		return meaning{
			kind: Refused, thing: thing, cause: "STS is not active there for this account",
			remedy: "activate it in the account settings of the IAM console, or set another region",
		}
	case "OptInRequired":
		return meaning{kind: Refused, thing: thing, cause: "the region is not enabled for the account", remedy: "enable it in the account settings, or set another region"}
	}
	return r.unknown(Refused, c.host())
}

// roleThing names the role, or the action if there is none.
func (c *call) roleThing() string {
	if c.Role == nil {
		return c.action
	}
	return "role " + c.Role.ARN
}

func (c *call) longerThanRole() meaning {
	return meaning{
		kind: Refused, thing: c.roleThing(), cause: fault.Duration(c.Duration) + " was requested, which exceeds its MaxSessionDuration",
		remedy: "lower --duration or duration_seconds to the value shown by: aws iam get-role --role-name " + path.Base(c.roleThing()) + " --query Role.MaxSessionDuration",
	}
}

// notAuthorized says what decides on an AssumeRole: who asks, for which role, and with which proofs.
func (c *call) notAuthorized(d policyDenial) meaning {
	m := meaning{kind: Denied, thing: c.roleThing(), cause: d.String()}
	if c.Role == nil {
		m.remedy = "check the policies of the user"
		return m
	}
	external := "no external id"
	if c.Role.ExternalID != "" {
		external = "an external id"
	}
	m.cause = fmt.Sprintf("%s, the call had %s and %s", d, external, c.factors())
	m.remedy = "check the role's trust policy and the user's policies"
	return m
}

// factors says what of MFA the call carried.
func (c *call) factors() string {
	switch {
	case !c.Code.IsZero():
		return "an MFA code"
	case !c.Token.IsZero():
		return "an MFA session"
	}
	return "no MFA code"
}
