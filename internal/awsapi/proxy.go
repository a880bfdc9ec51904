package awsapi

import (
	"cmp"
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

// proxyFor applies HTTPS_PROXY and NO_PROXY as http.ProxyFromEnvironment does, which loopback bypasses.
// That function takes a malformed proxy for none, and so would send the request past the proxy that
// somebody wanted.
func proxyFor(target *url.URL, getenv func(string) string) (*proxy, error) {
	// The library is asked only whether to bypass the proxy.
	config := httpproxy.Config{HTTPSProxy: "http://proxy", NoProxy: cmp.Or(getenv("NO_PROXY"), getenv("no_proxy"))}
	if chosen, _ := config.ProxyFunc()(target); chosen == nil {
		return nil, nil
	}
	return proxyOf(getenv)
}

// CheckProxy refuses, with a *fault.Error of kind Network, a proxy variable that is no URL.
func CheckProxy(getenv func(string) string) error {
	_, err := proxyOf(getenv)
	return err
}

// proxyOf returns the proxy that a variable names, or nil.
func proxyOf(getenv func(string) string) (*proxy, error) {
	for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
		value := getenv(variable)
		if value == "" {
			continue
		}
		parsed := parseProxy(value)
		if parsed == nil { // the value is not echoed: it may hold a password
			return nil, fault.New(fault.Network, variable, "set it as in "+variable+"=http://HOST:PORT, or unset it; in a password, write / ? # as %2F %3F %23",
				"its value is not a proxy URL")
		}
		return &proxy{variable, parsed}, nil
	}
	return nil, nil
}

// parseProxy accepts the URLs that net/http can use, and HOST[:PORT] for http://HOST[:PORT]. As for curl,
// user and password may have any character that does not end them, and a % that no two hex digits follow
// stands for itself. It returns nil for anything else.
func parseProxy(value string) *url.URL {
	scheme, rest, ok := strings.Cut(value, "://")
	if !ok {
		scheme, rest = "http", value
	}
	var user *url.Userinfo
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && !strings.ContainsAny(rest[:at], "/?#") { // which may be of such a password
		name, password, _ := strings.Cut(rest[:at], ":")
		user, rest = url.UserPassword(unescape(name), unescape(password)), rest[at+1:]
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil
	}
	u.User = user
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u
	}
	return nil
}

// unescape replaces each %XX in text by what it stands for.
func unescape(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := 1
		if text[0] == '%' {
			n = min(3, len(text))
		}
		plain, err := url.PathUnescape(text[:n])
		if err != nil {
			plain, n = "%", 1
		}
		b.WriteString(plain)
		text = text[n:]
	}
	return b.String()
}
