package sts

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// issued is what a successful answer of either action holds.
type issued struct {
	credentials *types.Credentials
	roleSession string // the ARN of the assumed-role session, if there is one
}

// call runs the SDK's operation over t.Do.
func (t *try) call(ctx context.Context) (issued, error) {
	api := awssts.New(t.options())
	if t.request.Role == nil {
		out, err := api.GetSessionToken(ctx, &awssts.GetSessionTokenInput{
			DurationSeconds: t.seconds(),
			SerialNumber:    optional(t.request.Serial),
			TokenCode:       optional(t.request.Code.Reveal()),
		})
		if err != nil {
			return issued{}, err
		}
		return issued{credentials: out.Credentials}, nil
	}
	out, err := api.AssumeRole(ctx, &awssts.AssumeRoleInput{
		RoleArn:         aws.String(t.request.Role.ARN),
		RoleSessionName: aws.String(t.request.Role.SessionName),
		ExternalId:      optional(t.request.Role.ExternalID),
		DurationSeconds: t.seconds(),
		SerialNumber:    optional(t.request.Serial),
		TokenCode:       optional(t.request.Code.Reveal()),
	})
	if err != nil {
		return issued{}, err
	}
	got := issued{credentials: out.Credentials}
	if out.AssumedRoleUser != nil {
		got.roleSession = aws.ToString(out.AssumedRoleUser.Arn)
	}
	return got, nil
}

// options make the SDK read no configuration of its own, log nothing and repeat
// nothing.
func (t *try) options() awssts.Options {
	o := t.client.options
	out := awssts.Options{
		AppID:                      "aws-mfa-creds", // shows in CloudTrail's userAgent
		Region:                     o.Region,
		BaseEndpoint:               optional(o.Endpoint),
		Credentials:                t.Call,
		HTTPClient:                 t.Call,
		HTTPSignerV4:               t.Signer(),
		Retryer:                    aws.NopRetryer{},
		DisableClockSkewCorrection: true, // the signer corrects already
	}
	out.EndpointOptions.UseFIPSEndpoint = fipsState(o.FIPS)
	out.EndpointOptions.UseDualStackEndpoint = dualStackState(o.DualStack)
	return out
}

func (t *try) seconds() *int32 {
	return aws.Int32(int32(t.request.Duration / time.Second)) //nolint:gosec // at most 36 h by contract
}

// optional returns nil for "", which the SDK does not send.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func fipsState(on bool) aws.FIPSEndpointState {
	if on {
		return aws.FIPSEndpointStateEnabled
	}
	return aws.FIPSEndpointStateDisabled
}

func dualStackState(on bool) aws.DualStackEndpointState {
	if on {
		return aws.DualStackEndpointStateEnabled
	}
	return aws.DualStackEndpointStateDisabled
}
