package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The services, as messages and AWS_ENDPOINT_URL_* name them.
const (
	sts    = "STS"
	iam    = "IAM"
	signin = "SIGNIN"
)

// place is where a request goes.
type place struct {
	service  string
	region   string // to sign for
	url      url.URL
	override string // what can have replaced AWS's own endpoint, for remedies; "" for AWS's own
}

// place returns the endpoint of a service: AWS's, or the user's, which is signed for as AWS's would be,
// because what stands behind it is AWS.
func (c *Client) place(ctx context.Context, service string) (place, error) {
	o, override, resolve := c.options, c.options.Endpoint, stsEndpoint
	switch service {
	case iam:
		override, resolve = o.IAMEndpoint, iamEndpoint
	case signin:
		override, resolve = o.SigninEndpoint, signinEndpoint
	}
	at := place{service: service, region: o.Region}
	if err := checkRegion(o.Region); err != nil {
		return at, err
	}
	if override != "" {
		u, err := parseURL(override)
		if err != nil {
			return at, fault.New(fault.Config, service+" endpoint URL", "", "%s", err)
		}
		at.url, at.override = *u, "AWS_ENDPOINT_URL_"+service+" (or endpoint_url)"
		o.FIPS, o.DualStack = false, false
	}
	own, err := resolve(ctx, o)
	if err != nil {
		return at, fault.New(fault.Config, "region "+o.Region, "", "AWS has no %s endpoint for it", service)
	}
	at.region = signingRegion(own, o.Region)
	if override == "" {
		at.url = own.URI
	}
	return at, nil
}

// stsEndpoint is always regional: sessions of the global endpoint do not work in opt-in regions.
func stsEndpoint(ctx context.Context, o Options) (smithyendpoints.Endpoint, error) {
	return awssts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, awssts.EndpointParameters{
		Region: &o.Region, UseFIPS: &o.FIPS, UseDualStack: &o.DualStack, UseGlobalEndpoint: aws.Bool(false),
	})
}

func iamEndpoint(ctx context.Context, o Options) (smithyendpoints.Endpoint, error) {
	return awsiam.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, awsiam.EndpointParameters{
		Region: &o.Region, UseFIPS: &o.FIPS, UseDualStack: &o.DualStack,
	})
}

// signingRegion returns the region that the endpoint wants in the signature: for IAM us-east-1 in
// all of the partition aws.
func signingRegion(e smithyendpoints.Endpoint, otherwise string) string {
	schemes, _ := smithyauth.GetAuthOptions(&e.Properties)
	for _, scheme := range schemes {
		if region, ok := smithyhttp.GetSigV4SigningRegion(&scheme.SignerProperties); ok {
			return region
		}
	}
	return otherwise
}

// checkRegion refuses a region that may not become part of a host name. Package profile has told the user.
func checkRegion(region string) error {
	rest := strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-")
	if region != "" && len(region) <= 63 && rest == "" {
		return nil
	}
	return fault.New(fault.Config, "region", "", "%q is not a region", region)
}

// The defects of a URL. No text quotes it: one that does not parse, or has a user, may hold a password.
var (
	errForm  = errors.New("not a URL of the form https://HOST[:PORT][/PATH]")
	errParts = errors.New("the URL has a user, query or fragment, which is not allowed")
)

// CheckURL returns the host of a URL that may replace an endpoint of AWS, or an error that completes a
// cause and quotes no more of text than the host. A token code and a signature go there.
func CheckURL(text string) (host string, err error) {
	u, err := parseURL(text)
	if err != nil {
		return "", err
	}
	return u.Host, nil
}

// parseURL accepts TLS, and http on loopback, without user, query and fragment.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errForm
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Path, "@"):
		return nil, errParts
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return nil, fmt.Errorf("http://%s is not encrypted, which is allowed on loopback only", u.Host)
	}
	return u, nil
}

// Loopback reports whether host is this machine by its name or address, without asking a resolver.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
