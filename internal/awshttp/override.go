package awshttp

import (
	"net/url"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/endpoint"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Override returns the endpoint of service ("STS") that the user has set as
// text. It excludes FIPS and dual-stack endpoints (special; AWS SDKs and Tools
// Reference Guide, "Service-specific endpoints"). Errors are *fault.Error of
// kind Config.
func Override(service, text string, special bool) (*url.URL, error) {
	thing := service + " endpoint URL"
	u, err := endpoint.Parse(text)
	if err != nil {
		return nil, fault.New(fault.Config, thing, "correct or unset AWS_ENDPOINT_URL_"+service+", AWS_ENDPOINT_URL or endpoint_url", "%s", err)
	}
	if special {
		return nil, fault.New(fault.Config, thing, "unset the URL, or AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT",
			"%s excludes FIPS and dual-stack endpoints", u.Host)
	}
	return u, nil
}

// OverrideName names what can have set the endpoint of service, for Peer.
func OverrideName(service string) string { return "AWS_ENDPOINT_URL_" + service + " (or endpoint_url)" }

// CheckRegion refuses, with a *fault.Error of kind Config, a region that may not
// become part of a host name.
func CheckRegion(region string) error {
	rest := strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-")
	if region != "" && len(region) <= 63 && rest == "" {
		return nil
	}
	return fault.New(fault.Config, "region", "set region to one of AWS's, such as us-east-1", "%q is not a region", region)
}
