package sts

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// resolve returns the URL of the endpoint that o describes, or a *fault.Error
// of kind Config.
func resolve(o Options) (*url.URL, error) {
	if err := awshttp.CheckRegion(o.Region); err != nil {
		return nil, err
	}
	if o.Endpoint != "" {
		return awshttp.Override(service, o.Endpoint, o.FIPS || o.DualStack)
	}
	endpoint, err := awssts.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), awssts.EndpointParameters{
		Region:            aws.String(o.Region),
		UseFIPS:           aws.Bool(o.FIPS),
		UseDualStack:      aws.Bool(o.DualStack),
		UseGlobalEndpoint: aws.Bool(false),
	})
	if err != nil {
		return nil, fault.New(fault.Config, "region "+o.Region, "unset AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT",
			"AWS has no endpoint of STS there that is as wanted (FIPS: %t, dual-stack: %t)", o.FIPS, o.DualStack)
	}
	return &endpoint.URI, nil
}
