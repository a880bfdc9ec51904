package awsapi

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

// Request is one call to STS for a session: GetSessionToken if Role is nil, else AssumeRole.
type Request struct {
	// Key signs the request. Token is its session token if a session signs (a chained AssumeRole),
	// and empty if the long-lived access key does.
	Key   creds.AccessKey
	Token creds.Secret

	Role     *creds.Role   // the role to assume, or nil for GetSessionToken
	Duration time.Duration // of the session that is asked for: whole seconds, within the limits of the call

	Serial string       // the MFA device's serial; "" if no code is sent
	Code   creds.Secret // six digits; empty if no code is sent

	// Skew is AWS's clock minus this machine's, as last measured. The request is signed for the
	// corrected time.
	Skew time.Duration

	// CodeExpires is the corrected time at which the code's time step ends. A request that could
	// not be written before it is not sent, so that a slow DNS, connect or TLS handshake does not
	// waste a code. Zero: no limit.
	CodeExpires time.Time
}

// Result is what a call to STS came to.
type Result struct {
	Credentials creds.Credentials // if Err is nil

	// ServerTime is AWS's clock at LocalTime, from the answer's Date header, whatever the answer;
	// zero if no answer carried one. Their difference is the skew.
	ServerTime, LocalTime time.Time

	Err error // an *Error; it wraps ctx.Err() if the caller's context ended the call
}

// Call sends r in one HTTP request and never repeats it.
func (c *Client) Call(ctx context.Context, r Request) Result {
	t, mint := task{Request: r, action: "GetSessionToken"}, getSessionToken
	if r.Role != nil {
		t.action, mint = "AssumeRole", assumeRole
	}
	k := c.newCall(ctx, sts, t)
	got, err := do(ctx, k, func(k *call) (*creds.Credentials, error) { return mint(ctx, k) })
	result := Result{Err: err}
	result.ServerTime, result.LocalTime = k.clocks()
	if err == nil {
		result.Credentials = *got
	}
	return result
}

func getSessionToken(ctx context.Context, c *call) (*creds.Credentials, error) {
	out, err := c.stsAPI().GetSessionToken(ctx, &awssts.GetSessionTokenInput{
		DurationSeconds: c.seconds(), SerialNumber: optional(c.Serial), TokenCode: optional(c.Code.Reveal()),
	})
	if err != nil {
		return nil, err
	}
	return c.usable(out.Credentials)
}

func assumeRole(ctx context.Context, c *call) (*creds.Credentials, error) {
	var tags []types.Tag
	for _, tag := range c.Role.Tags {
		tags = append(tags, types.Tag{Key: &tag.Key, Value: &tag.Value})
	}
	out, err := c.stsAPI().AssumeRole(ctx, &awssts.AssumeRoleInput{
		RoleArn: &c.Role.ARN, RoleSessionName: &c.Role.SessionName, ExternalId: optional(c.Role.ExternalID),
		SourceIdentity: optional(c.Role.SourceIdentity), Tags: tags, TransitiveTagKeys: c.Role.TransitiveTags,
		DurationSeconds: c.seconds(), SerialNumber: optional(c.Serial), TokenCode: optional(c.Code.Reveal()),
	})
	if err != nil {
		return nil, err
	}
	var assumed string
	if out.AssumedRoleUser != nil {
		assumed = aws.ToString(out.AssumedRoleUser.Arn)
	}
	switch role, _, _ := strings.Cut(strings.TrimPrefix(parse(assumed).Resource, "assumed-role/"), "/"); {
	case AccountOf(c.Role.ARN) == "" || AccountOf(assumed) != AccountOf(c.Role.ARN):
		return nil, useless("the credentials in the response are for another account")
	case !strings.EqualFold(role, nameOf(c.Role.ARN, "role/")):
		return nil, useless("the credentials in the response are for another role")
	}
	return c.usable(out.Credentials)
}

func (c *call) seconds() *int32 {
	return aws.Int32(int32(c.Duration / time.Second)) //nolint:gosec // at most 36 h by contract
}

const (
	maxLifetime   = 36 * time.Hour  // GetSessionToken's longest, in the STS API
	lifetimeSlack = 5 * time.Minute // for a clock that was not measured to the second
)

// usable returns credentials as get can print them, or as a useless error what keeps it from that. Their end
// is judged by AWS's clock.
func (c *call) usable(got *types.Credentials) (*creds.Credentials, error) {
	if got == nil || got.Expiration == nil {
		return nil, useless("the credentials in the response are incomplete")
	}
	all := creds.Credentials{
		AccessKeyID:     aws.ToString(got.AccessKeyId),
		SecretAccessKey: creds.NewSecret(aws.ToString(got.SecretAccessKey)),
		SessionToken:    creds.NewSecret(aws.ToString(got.SessionToken)),
		Expiration:      got.Expiration.UTC(),
	}
	if _, err := all.ProcessJSON(); err != nil {
		return nil, useless("the response has " + err.Error())
	}
	now, _ := c.clocks()
	if now.IsZero() {
		now = c.correctedNow()
	}
	switch left := got.Expiration.Sub(now); {
	case left < rules.MinRemaining:
		return nil, useless("the credentials in the response have expired, or are about to")
	case left > min(c.Duration, maxLifetime)+lifetimeSlack:
		return nil, useless("the credentials in the response last longer than requested")
	}
	return &all, nil
}

// GetCallerIdentity asks STS whose key signs. It needs no permission and no policy can deny it, so a
// refusal is about the key itself or the clock.
func (a *Account) GetCallerIdentity(ctx context.Context) (Identity, error) {
	out, err := ask(ctx, a, sts, task{action: "GetCallerIdentity"}, func(k *call) (*awssts.GetCallerIdentityOutput, error) {
		out, err := k.stsAPI().GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
		if err == nil && (aws.ToString(out.Arn) == "" || aws.ToString(out.Account) == "") {
			err = useless("the response does not say whose key it is")
		}
		return out, err
	})
	if err != nil {
		return Identity{}, err
	}
	return Identity{Account: *out.Account, ARN: *out.Arn}, nil
}

// optional returns nil for "", which the SDK does not send.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

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
	external := "no external ID"
	if c.Role.ExternalID != "" {
		external = "an external ID"
	}
	m.cause = fmt.Sprintf("%s; the call had %s and %s", d, c.factors(), external)
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
