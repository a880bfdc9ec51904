package awsapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
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
	got, err := do(ctx, k, func(k *call) (*types.Credentials, error) { return mint(ctx, k) })
	result := Result{Err: err}
	result.ServerTime, result.LocalTime = k.clocks()
	if err == nil {
		result.Credentials = creds.Credentials{
			AccessKeyID:     *got.AccessKeyId,
			SecretAccessKey: creds.NewSecret(*got.SecretAccessKey),
			SessionToken:    creds.NewSecret(*got.SessionToken),
			Expiration:      got.Expiration.UTC(),
		}
	}
	return result
}

func getSessionToken(ctx context.Context, c *call) (*types.Credentials, error) {
	out, err := c.stsAPI().GetSessionToken(ctx, &awssts.GetSessionTokenInput{
		DurationSeconds: c.seconds(), SerialNumber: optional(c.Serial), TokenCode: optional(c.Code.Reveal()),
	})
	if err != nil {
		return nil, err
	}
	return out.Credentials, c.defect(out.Credentials)
}

func assumeRole(ctx context.Context, c *call) (*types.Credentials, error) {
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
	if bad := c.defect(out.Credentials); bad != nil {
		return nil, bad
	}
	if user := out.AssumedRoleUser; user == nil || AccountOf(c.Role.ARN) == "" || AccountOf(aws.ToString(user.Arn)) != AccountOf(c.Role.ARN) {
		return nil, useless("the credentials in the response are for another account")
	}
	return out.Credentials, nil
}

func (c *call) seconds() *int32 {
	return aws.Int32(int32(c.Duration / time.Second)) //nolint:gosec // at most 36 h by contract
}

const (
	maxLifetime   = 36 * time.Hour  // GetSessionToken's longest, in the STS API
	lifetimeSlack = 5 * time.Minute // for a clock that was not measured to the second
)

// defect returns what makes credentials unusable, as a useless error, or nil. Their end is judged by
// AWS's clock.
func (c *call) defect(got *types.Credentials) error {
	if got == nil || aws.ToString(got.AccessKeyId) == "" || aws.ToString(got.SecretAccessKey) == "" || aws.ToString(got.SessionToken) == "" || got.Expiration == nil {
		return useless("the credentials in the response are incomplete")
	}
	now, _ := c.clocks()
	if now.IsZero() {
		now = c.correctedNow()
	}
	switch left := got.Expiration.Sub(now); {
	case left <= 0:
		return useless("the credentials in the response have expired already")
	case left > min(c.Duration, maxLifetime)+lifetimeSlack:
		return useless("the credentials in the response last longer than requested")
	}
	return nil
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
