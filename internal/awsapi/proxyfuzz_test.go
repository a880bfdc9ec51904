package awsapi

import (
	"net/url"
	"slices"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// FuzzProxy: a value of HTTPS_PROXY is a proxy that net/http can use, or refused in words that do not
// show it: it may hold a password. NO_PROXY may only take the proxy away.
func FuzzProxy(f *testing.F) {
	for _, value := range []string{"http://p:8080", "p", "user:pass@p:1", "http://u:p#w@h", "socks5h://p", "ftp://p", "http://[::1]:1", "//", "http://p/x?y"} {
		f.Add(value, "")
		f.Add(value, "*")
		f.Add(value, ".amazonaws.com, 10.0.0.0/8,[::1]:443,,:x")
	}
	target := &url.URL{Scheme: "https", Host: "sts.us-east-1.amazonaws.com"}
	_, refused := proxyOf(func(string) string { return "://" })
	f.Fuzz(func(t *testing.T, value, bypass string) {
		getenv := func(name string) string { return map[string]string{"HTTPS_PROXY": value, "NO_PROXY": bypass}[name] }
		p, err := proxyOf(getenv)
		switch {
		case err != nil && fault.Line(err) != fault.Line(refused):
			t.Errorf("%q: %s", value, fault.Line(err))
		case p != nil && (p.url.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, p.url.Scheme)):
			t.Errorf("%q is %v", value, p.url)
		case (p == nil && err == nil) != (value == ""):
			t.Errorf("%q is no proxy", value)
		}
		chosen, chosenErr := proxyFor(target, getenv)
		if chosen != nil && chosen.url.String() != p.url.String() || chosenErr != nil && err == nil || bypass == "*" && chosen != nil {
			t.Errorf("%q without %q is %v, %v", value, bypass, chosen, chosenErr)
		}
	})
}
