package sts

import (
	"context"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// resolve returns the URL of the endpoint that o describes, or a *fault.Error
// of kind Config.
func resolve(o Options) (*url.URL, error) {
	if !plainRegion(o.Region) {
		return nil, fault.New(fault.Config, "region", "set region to one of AWS's, such as us-east-1", "%q is not a region", o.Region)
	}
	if o.Endpoint != "" {
		return override(o)
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

// override returns the endpoint that the user has set. A token code and a
// signature go there, so it has to be TLS unless it is this very machine.
func override(o Options) (*url.URL, error) {
	const thing, remedy = "STS endpoint URL", "correct or unset AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or endpoint_url"
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		// The value is not echoed: a URL that does not parse may hide a password.
		return nil, fault.New(fault.Config, thing, remedy, "not a URL of the form https://HOST[:PORT][/PATH]")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Path, "@"):
		return nil, fault.New(fault.Config, thing, remedy, "the URL has a user, query or fragment, which it cannot have")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fault.New(fault.Config, thing, remedy, "http://%s is not encrypted, which is accepted on loopback only", u.Host)
	case o.FIPS || o.DualStack:
		return nil, fault.New(fault.Config, thing, "unset the URL, or AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT",
			"%s excludes FIPS and dual-stack endpoints", u.Host)
	}
	return u, nil
}

// loopback reports whether host is this machine by its very name or address,
// without asking a resolver.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// plainRegion reports whether region may become part of a host name.
func plainRegion(region string) bool {
	rest := strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-")
	return region != "" && len(region) <= 63 && rest == ""
}
