package profile

import (
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestEndpoint(t *testing.T) {
	t.Parallel()
	const services = "[services s]\nsts =\n  endpoint_url = https://services.example # x\ns3 =\n  endpoint_url = https://s3.example\n"
	for name, c := range map[string]struct {
		aws, own string
		env      []string
		want     string
	}{
		"none":                    {aws: "[profile x]\n"},
		"config":                  {aws: "[profile x]\nendpoint_url = https://config.example\n", want: "https://config.example"},
		"services before config":  {aws: "[profile x]\nservices = s\nendpoint_url = https://config.example\n" + services, want: "https://services.example"},
		"services without sts":    {aws: "[profile x]\nservices = s\nendpoint_url = https://config.example\n[services s]\niam =\n  endpoint_url = https://no.example\n", want: "https://config.example"},
		"own before services":     {aws: "[profile x]\nservices = s\n" + services, own: "[x]\nendpoint_url = https://own.example\n", want: "https://own.example"},
		"own services":            {aws: "[profile x]\nendpoint_url = https://config.example\n" + services, own: "[x]\nservices = s\n", want: "https://services.example"},
		"variable":                {aws: "[profile x]\nservices = s\n" + services, env: []string{"AWS_ENDPOINT_URL", "https://env.example"}, want: "https://env.example"},
		"variable of the service": {aws: "[profile x]\n", env: []string{"AWS_ENDPOINT_URL", "https://env.example", "AWS_ENDPOINT_URL_STS", "https://sts.example/p"}, want: "https://sts.example/p"},
		"ignored by variable":     {aws: "[profile x]\nservices = s\n" + services, env: []string{"AWS_ENDPOINT_URL", "https://env.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE"}},
		"ignored by config":       {aws: "[profile x]\nignore_configured_endpoint_urls = true\nendpoint_url = https://config.example\n"},
		"not ignored":             {aws: "[profile x]\nignore_configured_endpoint_urls = true\nendpoint_url = https://config.example\n", env: []string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"}, want: "https://config.example"},
		"loopback name":           {aws: "[profile x]\nendpoint_url = http://localhost:4566\n", want: "http://localhost:4566"},
		"loopback 4":              {aws: "[profile x]\nendpoint_url = http://127.9.9.9\n", want: "http://127.9.9.9"},
		"loopback 6":              {aws: "[profile x]\nendpoint_url = http://[::1]:80\n", want: "http://[::1]:80"},
	} {
		s, err := load(t, c.aws, c.own).Resolve("x", Flags{}, environment(c.env...))
		if err != nil || s.Endpoint != c.want {
			t.Errorf("%s: got %q, %v, want %q", name, s.Endpoint, err, c.want)
		}
	}
}

func TestEndpointRefuses(t *testing.T) {
	t.Parallel()
	for text, part := range map[string]string{
		"http://example.com":                     "not encrypted",
		"http://127.0.0.1.example.com":           "not encrypted",
		"http://localhost.example.com":           "not encrypted",
		"http://0.0.0.0":                         "not encrypted",
		"http://2130706433":                      "not encrypted",
		"ftp://example.com":                      "not a URL",
		"example.com":                            "not a URL",
		"https://":                               "not a URL",
		"https://user:canary@example.com":        "has a user",
		"https://example.com?canary":             "query",
		"https://user:canary@exa mple.com":       "not a URL",
		"http://localhost:4566@evil.example.com": "has a user",
	} {
		_, err := load(t, "[profile x]\nendpoint_url = "+text+"\n", "").Resolve("x", Flags{}, environment())
		wantFault(t, err, fault.Config, "config:2", part)
		_, err = load(t, "[profile x]\n", "").Resolve("x", Flags{}, environment("AWS_ENDPOINT_URL_STS", text))
		wantFault(t, err, fault.Config, "AWS_ENDPOINT_URL_STS", part)
	}
	for _, variable := range []string{"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"} {
		_, err := load(t, "[profile x]\n", "").Resolve("x", Flags{}, environment("AWS_ENDPOINT_URL", "https://a.example", variable, "true"))
		wantFault(t, err, fault.Config, "AWS_ENDPOINT_URL", "excludes FIPS")
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	files := load(t, "[profile x]\nuse_fips_endpoint = True # x\nuse_dualstack_endpoint = false\nca_bundle = /a\n", "")
	s, err := files.Resolve("x", Flags{}, environment())
	if err != nil || !s.FIPS || s.DualStack || s.CABundle != "/a" {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = files.Resolve("x", Flags{}, environment("AWS_USE_FIPS_ENDPOINT", "false", "AWS_USE_DUALSTACK_ENDPOINT", "true", "AWS_CA_BUNDLE", "/b"))
	if err != nil || s.FIPS || !s.DualStack || s.CABundle != "/b" {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = files.Resolve("x", Flags{}, environment("AWS_USE_FIPS_ENDPOINT", "yes"))
	wantFault(t, err, fault.Config, "AWS_USE_FIPS_ENDPOINT", `"yes"`)
}

func TestPartitionOf(t *testing.T) {
	t.Parallel()
	for _, p := range partitions() {
		if got := partitionOf(p.region); got != p.name {
			t.Errorf("%s is in %s, not in %s", p.region, got, p.name)
		}
	}
	for _, region := range []string{"eu-central-1", "us-west-2", "mx-central-1", "us-isolated-1"} {
		if got := partitionOf(region); got != "aws" {
			t.Errorf("%s is in %s", region, got)
		}
	}
}
