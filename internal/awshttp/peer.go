package awshttp

import (
	"net"
	"net/http"
	"net/url"
	"time"
)

// The time limits of a call, unless a Peer sets its own.
const (
	ConnectLimit = 5 * time.Second  // name look-up and TCP; the TLS handshake again
	TryLimit     = 15 * time.Second // the whole call
)

// Peer is an endpoint of AWS and the way to it. All fields but CABundle,
// Override, Resolver and Fetch are required. It is only read, so calls may share it.
type Peer struct {
	Service  string   // "STS": what the endpoint is one of, for messages
	Region   string   // the region that requests are signed for
	Endpoint *url.URL // where requests go

	// Override names what replaced AWS's own endpoint, for remedies:
	// "AWS_ENDPOINT_URL_STS (or endpoint_url)". It is "" for AWS's own.
	Override string

	// CABundle is the path of a PEM file that replaces the system's roots, as
	// AWS_CA_BUNDLE does in the SDKs; "" for the system's.
	CABundle string

	Getenv func(string) string // asked for HTTPS_PROXY, NO_PROXY and their lower-case forms
	Now    func() time.Time    // the machine's clock, uncorrected

	ConnectLimit time.Duration
	TryLimit     time.Duration
	Resolver     *net.Resolver // nil: the system's

	// Fetch replaces the network in tests; nil: the network.
	Fetch func(*http.Request) (*Answer, error)
}
