// Package awsapi makes the calls to AWS: to STS for sessions and for whose key it is, to IAM for MFA
// devices and access keys. It is the only importer of the AWS SDK, which serializes, signs and parses.
// The connection is made here, because only there is it certain whether a byte of the request has left.
//
// A call is one connection and one HTTP request. It is never repeated and never follows a redirect: a
// token code must not be sent twice (RFC 6238 section 5.2), and a second CreateAccessKey would make a
// second key. A failure is an *Error, which says what kind it is and whether AWS may have seen the
// request; it wraps the *fault.Error to show, and no text of it holds a secret or a token code.
package awsapi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/endpoint"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Options say where AWS is and how to reach it. Region, Getenv and Now are required.
type Options struct {
	Region string // of STS, and any region of the partition for IAM, which has one endpoint for all of it

	// Endpoint and IAMEndpoint are URLs that replace those of STS and IAM, or "". They exclude FIPS
	// and DualStack (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
	Endpoint, IAMEndpoint string
	FIPS, DualStack       bool

	// CABundle is the path of a PEM file that replaces the system's roots, as AWS_CA_BUNDLE does in
	// the SDKs; "" for the system's.
	CABundle string

	// Getenv is asked for HTTPS_PROXY, NO_PROXY and their lower-case forms. HTTP_PROXY has no
	// effect: plain HTTP goes to loopback only, and loopback is never proxied.
	Getenv func(string) string
	Now    func() time.Time // the machine's clock, uncorrected

	// Skew returns AWS's clock minus this machine's, as last measured, before each call of an
	// Account; the signature is for the corrected time. Nil: no skew.
	Skew func() time.Duration

	// Observe gets AWS's clock and this machine's at the same moment after each answer to a call of
	// an Account, refusals included; nil: nobody is interested.
	Observe func(server, local time.Time)

	Logger *slog.Logger // gets debug records without secrets; nil for none
}

// The time limits of a call.
const (
	connectLimit = 5 * time.Second  // name look-up and TCP; the TLS handshake again
	tryLimit     = 15 * time.Second // the whole call
)

// Client makes calls to AWS. It keeps no connection and no state between calls, and is safe for
// concurrent use if Skew and Observe are.
type Client struct {
	options Options

	// What tests change.
	connectLimit, tryLimit time.Duration
	resolver               *net.Resolver
	fetch                  func(*http.Request) (*answer, error) // nil: the network
}

// New returns a client. It opens and checks nothing: a region or endpoint that cannot be used fails
// the call, with a *fault.Error of kind Config.
func New(o Options) *Client {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Client{options: o, connectLimit: connectLimit, tryLimit: tryLimit}
}

// place is where a request goes.
type place struct {
	service  string // "STS", "IAM"
	region   string // to sign for
	url      url.URL
	override string // what can have replaced AWS's own endpoint, for remedies; "" for AWS's own
}

// sts returns the endpoint of STS. It is always regional: sessions of the global one do not work in
// opt-in regions.
func (c *Client) sts() (place, error) {
	return c.place("STS", c.options.Endpoint, func(fips, dualStack bool) (smithyendpoints.Endpoint, error) {
		return awssts.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), awssts.EndpointParameters{
			Region: &c.options.Region, UseFIPS: &fips, UseDualStack: &dualStack, UseGlobalEndpoint: aws.Bool(false),
		})
	})
}

// iam returns the endpoint of IAM.
func (c *Client) iam() (place, error) {
	return c.place("IAM", c.options.IAMEndpoint, func(fips, dualStack bool) (smithyendpoints.Endpoint, error) {
		return awsiam.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), awsiam.EndpointParameters{
			Region: &c.options.Region, UseFIPS: &fips, UseDualStack: &dualStack,
		})
	})
}

// place decides between AWS's endpoint and the user's, which is signed for as AWS's would be: what
// stands behind it is AWS.
func (c *Client) place(service, override string, resolve func(fips, dualStack bool) (smithyendpoints.Endpoint, error)) (place, error) {
	o := c.options
	at := place{service: service, region: o.Region}
	if err := checkRegion(o.Region); err != nil {
		return at, err
	}
	if override != "" {
		u, err := o.override(service, override)
		if err != nil {
			return at, err
		}
		at.url, at.override = *u, "AWS_ENDPOINT_URL_"+service+" (or endpoint_url)"
		o.FIPS, o.DualStack = false, false
	}
	own, err := resolve(o.FIPS, o.DualStack)
	if err != nil {
		return at, fault.New(fault.Config, "region "+o.Region, "unset AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT",
			"AWS has no %s endpoint for it with these settings (FIPS: %t, dual-stack: %t)", service, o.FIPS, o.DualStack)
	}
	at.region = signingRegion(own, o.Region)
	if override == "" {
		at.url = own.URI
	}
	return at, nil
}

// override returns the endpoint that the user has set as text.
func (o Options) override(service, text string) (*url.URL, error) {
	thing := service + " endpoint URL"
	u, err := endpoint.Parse(text)
	if err != nil {
		return nil, fault.New(fault.Config, thing, "correct or unset AWS_ENDPOINT_URL_"+service+", AWS_ENDPOINT_URL or endpoint_url", "%s", err)
	}
	if o.FIPS || o.DualStack {
		return nil, fault.New(fault.Config, thing, "unset the URL, or AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT",
			"%s excludes FIPS and dual-stack endpoints", u.Host)
	}
	return u, nil
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

// checkRegion refuses a region that may not become part of a host name.
func checkRegion(region string) error {
	rest := strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-")
	if region != "" && len(region) <= 63 && rest == "" {
		return nil
	}
	return fault.New(fault.Config, "region", "set region to one of AWS's, such as us-east-1", "%q is not a region", region)
}
