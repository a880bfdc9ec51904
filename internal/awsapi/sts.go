package awsapi

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
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
