package sts

import (
	"fmt"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func (t *try) deviceThing() string { return "MFA device " + t.request.Serial }
func (t *try) regionThing() string { return "region " + t.client.options.Region }

// roleThing names the role, or the action if there is none.
func (t *try) roleThing() string {
	if t.request.Role == nil {
		return t.action
	}
	return "role " + t.request.Role.ARN
}

func (t *try) codeRefused(r awshttp.Refusal) *awshttp.Outcome {
	return &awshttp.Outcome{Verdict: exchange.CodeRefused, Err: fault.New(fault.Refused, t.deviceThing(), "if an authenticator app has the device too, compare its code with: aws-mfa-creds code --profile NAME",
		"AWS refused the token code: used already, a wrong seed, or a wrong clock%s", r.Suffix())}
}

func (t *try) wrongDevice() (thing, cause, remedy string) {
	return t.deviceThing(), fmt.Sprintf("AWS knows no such device of the user of access key %s, or that key is inactive", t.request.Key.ID),
		"compare the serial with: aws iam list-mfa-devices"
}

func (t *try) codeMissing() (thing, cause, remedy string) {
	return t.roleThing(), fmt.Sprintf("it demands MFA, and the call had %s", t.factors()),
		"set mfa_serial and the seed (AWS_MFA_CREDS_SEED)"
}

func (t *try) chainedTooLong() (thing, cause, remedy string) {
	return t.roleThing(), fmt.Sprintf("%s were asked for, and from a session a role can be assumed for 1h at most", awshttp.Brief(t.request.Duration)),
		"--duration 1h"
}

func (t *try) roleTooLong() (thing, cause, remedy string) {
	name := t.roleThing()
	if t.request.Role != nil {
		name = t.request.Role.ARN[strings.LastIndex(t.request.Role.ARN, "/")+1:]
	}
	return t.roleThing(), fmt.Sprintf("%s were asked for, which is more than its MaxSessionDuration", awshttp.Brief(t.request.Duration)),
		"lower --duration to what this shows: aws iam get-role --role-name " + name + " --query Role.MaxSessionDuration"
}

// notAuthorized tells what decides on an AssumeRole: who asks, for which role,
// and with which proofs.
func (t *try) notAuthorized(denial awshttp.Denial) (thing, cause, remedy string) {
	if t.request.Role == nil {
		return t.action, denial.String(), "check the policies of the user"
	}
	external := "no external id"
	if t.request.Role.ExternalID != "" {
		external = "an external id"
	}
	cause = fmt.Sprintf("%s, the call had %s and %s", denial, external, t.factors())
	return t.roleThing(), cause, "check the role's trust policy and the user's policies"
}

// factors says what of MFA the call carried.
func (t *try) factors() string {
	switch {
	case !t.request.Code.IsZero():
		return "an MFA code"
	case !t.request.Token.IsZero():
		return "an MFA session"
	}
	return "no MFA code"
}
