package iam

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// place is where requests go, and the region that they are signed for.
type place struct {
	url    *url.URL
	region string
}

// resolve returns the place that o describes, or a *fault.Error of kind Config.
// The region to sign for is the partition's also at an endpoint of the user's:
// what stands behind it is IAM.
func resolve(o Options) (place, error) {
	if err := awshttp.CheckRegion(o.Region); err != nil {
		return place{}, err
	}
	special := o.FIPS || o.DualStack
	if o.Endpoint != "" {
		u, err := awshttp.Override(service, o.Endpoint, special)
		if err != nil {
			return place{}, err
		}
		own, err := ask(o.Region, false, false)
		return place{u, signingRegion(own, o.Region)}, err
	}
	found, err := ask(o.Region, o.FIPS, o.DualStack)
	return place{&found.URI, signingRegion(found, o.Region)}, err
}

func ask(region string, fips, dualStack bool) (smithyendpoints.Endpoint, error) {
	found, err := awsiam.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), awsiam.EndpointParameters{
		Region:       aws.String(region),
		UseFIPS:      aws.Bool(fips),
		UseDualStack: aws.Bool(dualStack),
	})
	if err != nil {
		return smithyendpoints.Endpoint{}, fault.New(fault.Config, "region "+region, "unset AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT",
			"AWS has no endpoint of IAM for it that is as wanted (FIPS: %t, dual-stack: %t)", fips, dualStack)
	}
	return found, nil
}

// signingRegion returns the region that the endpoint wants in the signature:
// us-east-1 for all of the partition aws, whatever the caller's own region.
func signingRegion(e smithyendpoints.Endpoint, otherwise string) string {
	schemes, _ := smithyauth.GetAuthOptions(&e.Properties)
	for _, scheme := range schemes {
		if region, ok := smithyhttp.GetSigV4SigningRegion(&scheme.SignerProperties); ok {
			return region
		}
	}
	return otherwise
}
