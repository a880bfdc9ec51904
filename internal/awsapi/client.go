// Package awsapi makes the calls to AWS: to STS for sessions and to identify a key's user, and to IAM for
// MFA devices and access keys. It is the only importer of the AWS SDK, which serializes, signs and parses. The
// connection is made here, because only here is it certain whether a byte of the request was sent.
//
// A call is one connection and one HTTP request. It is never repeated and never follows a redirect: a
// token code must not be sent twice (RFC 6238 section 5.2), and a second CreateAccessKey would create a
// second key. A failure is an *Error: its kind, and whether AWS may have seen the request. It wraps the
// *fault.Error to show, and its text never holds a secret or a token code.
package awsapi

import (
	"log/slog"
	"net"
	"net/http"
	"time"
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
