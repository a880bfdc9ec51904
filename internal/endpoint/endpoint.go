// Package endpoint says which URLs may replace an endpoint of AWS. A token code
// and a signature go there, so the rule is the same wherever such a URL comes from.
package endpoint

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// The defects of a URL. No text quotes it: one that does not parse, or has a
// user, may hold a password.
var (
	errForm  = errors.New("not a URL of the form https://HOST[:PORT][/PATH]")
	errParts = errors.New("the URL has a user, query or fragment, which it cannot have")
)

// Parse returns the URL that text spells: TLS, or http on loopback; without
// user, query and fragment. Its error completes a cause, and holds no more of
// text than the host.
func Parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errForm
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Path, "@"):
		return nil, errParts
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return nil, fmt.Errorf("http://%s is not encrypted, which is accepted on loopback only", u.Host)
	}
	return u, nil
}

// Loopback reports whether host is this machine by its very name or address,
// without asking a resolver.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
