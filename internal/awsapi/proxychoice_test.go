package awsapi

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// TestProxyChoice compares with net/http, whose function reads the environment
// once in a process: each case asks a process of its own.
func TestProxyChoice(t *testing.T) {
	t.Parallel()
	if target := os.Getenv("AWSAPI_TEST_PROXY_TARGET"); target != "" {
		u, _ := url.Parse(target)
		chosen, err := http.ProxyFromEnvironment(&http.Request{URL: u})
		_, _ = os.Stdout.WriteString("chosen=" + describe(chosen, err) + "\n")
		return
	}
	const sts, ip = "https://sts.eu-west-1.amazonaws.com/", "https://10.1.2.3/"
	const p = "http://proxy.test:3128"
	tests := []struct {
		target string
		env    []string
	}{
		{sts, nil},
		{sts, []string{"HTTPS_PROXY", p}},
		{sts, []string{"https_proxy", p}},
		{sts, []string{"https_proxy", "http://other.test", "HTTPS_PROXY", p}}, // in this order for Windows, where the last one counts
		{sts, []string{"HTTP_PROXY", p, "ALL_PROXY", p}},
		{sts, []string{"HTTPS_PROXY", "proxy.test:3128"}},
		{sts, []string{"HTTPS_PROXY", "proxy.test"}},
		{sts, []string{"HTTPS_PROXY", "socks5://proxy.test"}},
		{sts, []string{"HTTPS_PROXY", "http://a:b@proxy.test:1"}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", "*"}},
		{sts, []string{"HTTPS_PROXY", p, "no_proxy", "amazonaws.com"}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", ".amazonaws.com"}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", "*.amazonaws.com"}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", "*amazonaws.com"}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", "x, AmazonAWS.com:443 "}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", "amazonaws.com:8443"}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", "sts.eu-west-1.amazonaws.com"}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", ".sts.eu-west-1.amazonaws.com"}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", "onaws.com,,:443, "}},
		{sts, []string{"HTTPS_PROXY", p, "NO_PROXY", "10.0.0.0/8"}},
		{"https://sts.test:8443/", []string{"HTTPS_PROXY", p, "NO_PROXY", "sts.test:8443"}},
		{"https://sts.test:8443/", []string{"HTTPS_PROXY", p, "NO_PROXY", "sts.test:443"}},
		{ip, []string{"HTTPS_PROXY", p, "NO_PROXY", "10.0.0.0/8"}},
		{ip, []string{"HTTPS_PROXY", p, "NO_PROXY", "11.0.0.0/8"}},
		{ip, []string{"HTTPS_PROXY", p, "NO_PROXY", "10.1.2.3"}},
		{ip, []string{"HTTPS_PROXY", p, "NO_PROXY", "10.1.2.3:443"}},
		{ip, []string{"HTTPS_PROXY", p, "NO_PROXY", "10.1.2.3:80"}},
		{ip, []string{"HTTPS_PROXY", p, "NO_PROXY", "2.3"}},
		{"https://[fd00::1]/", []string{"HTTPS_PROXY", p, "NO_PROXY", "fd00::/8"}},
		{"https://[fd00::1]/", []string{"HTTPS_PROXY", p, "NO_PROXY", "fd00::1"}},
		{"https://[fd00::1]/", []string{"HTTPS_PROXY", p, "NO_PROXY", "[fd00::1]:443"}},
		{"https://[fd00::1]/", []string{"HTTPS_PROXY", p, "NO_PROXY", "[fd00::1]:80"}},
		{"https://localhost:4566/", []string{"HTTPS_PROXY", p}},
		{"https://127.0.0.9:4566/", []string{"HTTPS_PROXY", p}},
		{"https://[::1]:4566/", []string{"HTTPS_PROXY", p}},
		{"http://localhost:4566/", []string{"HTTP_PROXY", p, "HTTPS_PROXY", p}},
	}
	for _, test := range tests {
		t.Run(test.target+strings.Join(test.env, " "), func(t *testing.T) {
			t.Parallel()
			target, _ := url.Parse(test.target)
			proxy, err := proxyFor(target, env(test.env...))
			chosen, _ := proxy.use(nil)
			if got, want := describe(chosen, err), choiceOfNetHTTP(t, test.target, test.env); got != want {
				t.Errorf("chose %s, net/http %s", got, want)
			}
		})
	}
}

func describe(chosen *url.URL, err error) string {
	switch {
	case err != nil:
		return "an error"
	case chosen == nil:
		return "none"
	}
	return chosen.String()
}

func choiceOfNetHTTP(t *testing.T, target string, pairs []string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0], "-test.run=^TestProxyChoice$")
	cmd.Env = []string{"AWSAPI_TEST_PROXY_TARGET=" + target, "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	for i := 0; i < len(pairs); i += 2 {
		cmd.Env = append(cmd.Env, pairs[i]+"="+pairs[i+1])
	}
	out, err := cmd.Output()
	_, rest, found := strings.Cut(string(out), "chosen=")
	if err != nil || !found {
		t.Fatalf("%v: %s", err, out)
	}
	chosen, _, _ := strings.Cut(rest, "\n")
	return chosen
}

// TestProxyPassword reads user and password as curl does.
func TestProxyPassword(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"http://alice:pa%ss@proxy:8080":     "alice pa%ss",
		"http://alice:100%@proxy:8080":      "alice 100%",
		"alice:100%@proxy:8080":             "alice 100%",
		"http://alice:%zz%4@proxy:8080":     "alice %zz%4",
		"http://alice:p%41%25%2Fs@proxy":    "alice pA%/s",
		"http://a%40b:p@ss:w^{`\"}@proxy":   "a@b p@ss:w^{`\"}",
		"http://dom\\alice:x y@proxy":       "dom\\alice x y",
		"https://alice@proxy":               "alice ",
		"socks5h://alice:%%@proxy:1080":     "alice %%",
		"http://[::1]:8080":                 "",
		"http://alice:a/b@proxy:8080":       "refused",
		"http://alice:a#b@proxy":            "refused",
		"http://alice:a?b@proxy":            "refused",
		"http://host:80/path@evil":          "refused",
		"http://alice:a@":                   "refused",
		"http://alice:pass@pro%xy:8080":     "refused",
		"ftp://alice:p%ss@proxy":            "refused",
		"http://alice:p%ss@proxy:8080/path": "refused",
	} {
		got := "refused"
		p, err := proxyOf(env("HTTPS_PROXY", value))
		if err == nil {
			password, _ := p.url.User.Password()
			got = strings.Trim(p.url.User.Username()+" "+password, "\n")
			if p.url.User == nil {
				got = ""
			}
		} else if text := fault.Line(err); strings.Contains(text, "a/b") || strings.Contains(text, "a#b") || strings.Contains(text, "a?b") || !strings.Contains(text, "%2F") {
			t.Errorf("%s: %s", value, text)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}
