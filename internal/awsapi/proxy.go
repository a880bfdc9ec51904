package awsapi

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// proxy is the proxy to use, and the variable that says so. A nil *proxy is a
// direct connection.
type proxy struct {
	variable string
	url      *url.URL
}

// use has the form of http.Transport.Proxy.
func (p *proxy) use(*http.Request) (*url.URL, error) {
	if p == nil {
		return nil, nil
	}
	return p.url, nil
}

func (p *proxy) socks() bool { return p != nil && strings.HasPrefix(p.url.Scheme, "socks5") }

// proxyFor applies HTTPS_PROXY and NO_PROXY as http.ProxyFromEnvironment does, which loopback
// bypasses. That function takes a malformed proxy for none, and so would send the request past the
// proxy that somebody wanted.
func proxyFor(target *url.URL, getenv func(string) string) (*proxy, error) {
	if target.Scheme != "https" {
		return nil, nil
	}
	variable, value := firstSet(getenv, "HTTPS_PROXY", "https_proxy")
	if value == "" {
		return nil, nil
	}
	if _, list := firstSet(getenv, "NO_PROXY", "no_proxy"); bypassed(target, list) {
		return nil, nil
	}
	parsed := parseProxy(value)
	if parsed == nil {
		return nil, badProxy(variable)
	}
	return &proxy{variable, parsed}, nil
}

// CheckProxy refuses, with a *fault.Error of kind Network, a proxy variable that is no URL.
func CheckProxy(getenv func(string) string) error {
	variable, value := firstSet(getenv, "HTTPS_PROXY", "https_proxy")
	if value == "" || parseProxy(value) != nil {
		return nil
	}
	return badProxy(variable)
}

// badProxy does not echo the value: it may hold a password.
func badProxy(variable string) error {
	return fault.New(fault.Network, variable, "set it as in "+variable+"=http://HOST:PORT, or unset it", "its value is not a proxy URL")
}

func firstSet(getenv func(string) string, names ...string) (name, value string) {
	for _, name := range names {
		if value := getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// parseProxy accepts the URLs that net/http can use, and HOST[:PORT] for
// http://HOST[:PORT]. It returns nil for anything else.
func parseProxy(value string) *url.URL {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil // such a rest may be the end of a password that should have been escaped
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u
	}
	return nil
}

// bypassed reports whether target is on loopback or in the NO_PROXY list.
func bypassed(target *url.URL, list string) bool {
	config := httpproxy.Config{HTTPSProxy: "http://proxy", NoProxy: list}
	chosen, _ := config.ProxyFunc()(target)
	return chosen == nil
}
