package awsapi

import (
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestSTSEndpoints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		options Options
		want    string
	}{
		{Options{Region: "us-east-1"}, "https://sts.us-east-1.amazonaws.com"},
		{Options{Region: "eu-west-1"}, "https://sts.eu-west-1.amazonaws.com"},
		{Options{Region: "eu-west-1", FIPS: true}, "https://sts-fips.eu-west-1.amazonaws.com"},
		{Options{Region: "eu-west-1", DualStack: true}, "https://sts.eu-west-1.api.aws"},
		{Options{Region: "us-west-2", FIPS: true, DualStack: true}, "https://sts-fips.us-west-2.api.aws"},
		{Options{Region: "us-gov-west-1", FIPS: true}, "https://sts.us-gov-west-1.amazonaws.com"},
		{Options{Region: "cn-northwest-1"}, "https://sts.cn-northwest-1.amazonaws.com.cn"},
		{Options{Region: "cn-north-1", DualStack: true}, "https://sts.cn-north-1.api.amazonwebservices.com.cn"},
		{Options{Region: "eusc-de-east-1"}, "https://sts.eusc-de-east-1.amazonaws.eu"},
		{Options{Region: "us-iso-east-1"}, "https://sts.us-iso-east-1.c2s.ic.gov"},
		{Options{Region: "us-isob-east-1"}, "https://sts.us-isob-east-1.sc2s.sgov.gov"},
		{Options{Region: "us-isof-south-1"}, "https://sts.us-isof-south-1.csp.hci.ic.gov"},
		{Options{Region: "eu-isoe-west-1"}, "https://sts.eu-isoe-west-1.cloud.adc-e.uk"},
		{Options{Region: "us-east-1", Endpoint: "https://vpce-1.sts.us-east-1.vpce.amazonaws.com"}, "https://vpce-1.sts.us-east-1.vpce.amazonaws.com"},
		{Options{Region: "us-east-1", Endpoint: "http://localhost:4566/sts"}, "http://localhost:4566/sts"},
		{Options{Region: "us-east-1", Endpoint: "http://127.0.0.9:4566"}, "http://127.0.0.9:4566"},
		{Options{Region: "us-east-1", Endpoint: "http://[::1]:4566"}, "http://[::1]:4566"},
	}
	for _, test := range tests {
		test.options.Getenv, test.options.Now = noEnv, time.Now
		at, err := New(test.options).place(t.Context(), sts)
		if got := at.url.String(); err != nil || got != test.want || at.region != test.options.Region {
			t.Errorf("endpoint %s, region %s, want %s: %v", got, at.region, test.want, err)
		}
	}
}

func TestUnusableEndpoints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		options Options
		line    string
	}{
		{Options{}, `region: "" is not a region`},
		{Options{Region: "evil.example/"}, "is not a region"},
		{Options{Region: "us east"}, "is not a region"},
		{Options{Region: strings.Repeat("a", 64)}, "is not a region"},
		{Options{Region: "us-east-1", Endpoint: "http://sts.example"}, "http://sts.example is not encrypted"},
		{Options{Region: "us-east-1", Endpoint: "http://localhost.example"}, "is not encrypted"},
		{Options{Region: "us-east-1", Endpoint: "http://127.0.0.1.example"}, "is not encrypted"},
		{Options{Region: "us-east-1", Endpoint: "http://169.254.169.254"}, "is not encrypted"},
		{Options{Region: "us-east-1", Endpoint: "https://a:" + canaryProxy + "@sts.example"}, "has a user, query or fragment"},
		{Options{Region: "us-east-1", Endpoint: "https://a:" + canaryProxy + "@sts.example:%zz"}, "not a URL"},
		{Options{Region: "us-east-1", Endpoint: "https://sts.example?x=1"}, "has a user, query or fragment"},
		{Options{Region: "us-east-1", Endpoint: "sts.example"}, "not a URL"},
		{Options{Region: "us-east-1", Endpoint: "https://"}, "not a URL"},
		{Options{Region: "us-east-1", Endpoint: "file:///etc/passwd"}, "not a URL"},
	}
	for _, test := range tests {
		test.options.Getenv, test.options.Now = noEnv, time.Now
		err := New(test.options).Call(t.Context(), sessionRequest()).Err
		if DeliveryOf(err) != Unsent || KindOf(err) != Unreachable || fault.KindOf(err) != fault.Config || !strings.Contains(fault.Line(err), test.line) {
			t.Errorf("%+v: error %v, want %q", test.options, err, test.line)
			continue
		}
		noCanary(t, fault.Line(err))
	}
}

func TestIAMEndpoints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options      Options
		want, region string
	}{
		{Options{Region: "us-east-1"}, "https://iam.amazonaws.com", "us-east-1"},
		{Options{Region: "eu-west-1"}, "https://iam.amazonaws.com", "us-east-1"},
		{Options{Region: "eu-west-1", FIPS: true}, "https://iam-fips.amazonaws.com", "us-east-1"},
		{Options{Region: "eu-west-1", DualStack: true}, "https://iam.global.api.aws", "us-east-1"},
		{Options{Region: "cn-northwest-1"}, "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		{Options{Region: "us-gov-east-1"}, "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
		{Options{Region: "us-gov-east-1", FIPS: true}, "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
		{Options{Region: "eusc-de-east-1"}, "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
		{Options{Region: "us-iso-west-1"}, "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
		{Options{Region: "us-isob-east-1"}, "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
		{Options{Region: "eu-west-1", IAMEndpoint: "https://iam.corp.example/aws"}, "https://iam.corp.example/aws", "us-east-1"},
		{Options{Region: "cn-northwest-1", IAMEndpoint: "http://localhost:4566"}, "http://localhost:4566", "cn-north-1"},
	} {
		test.options.Getenv, test.options.Now = noEnv, time.Now
		at, err := New(test.options).place(t.Context(), iam)
		if got := at.url.String(); err != nil || got != test.want || at.region != test.region {
			t.Errorf("endpoint %s, region %s; want %s, %s: %v", got, at.region, test.want, test.region, err)
		}
	}
}

func TestUnusableIAMEndpoints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options Options
		line    string
	}{
		{Options{}, `region: "" is not a region`},
		{Options{Region: "evil.example/"}, "is not a region"},
		{Options{Region: "eu-west-1", IAMEndpoint: "http://iam.example"}, "IAM endpoint URL: http://iam.example is not encrypted"},
		{Options{Region: "eu-west-1", IAMEndpoint: "https://a:CANARY@iam.example"}, "IAM endpoint URL: the URL has a user, query or fragment, which is not allowed"},
	} {
		test.options.Getenv, test.options.Now = noEnv, time.Now
		_, err := New(test.options).Account(sessionRequest().Key, creds.Secret{}).ListMFADevices(t.Context(), "")
		if DeliveryOf(err) != Unsent || KindOf(err) != Unreachable || fault.KindOf(err) != fault.Config || !strings.Contains(fault.Line(err), test.line) || strings.Contains(fault.Line(err), "CANARY") {
			t.Errorf("%q: %v", test.line, err)
		}
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // "": it is accepted
		"https://sts.example":                     "",
		"https://sts.example:8443/path":           "",
		"https://vpce-1.sts.vpce.amazonaws.com":   "",
		"http://localhost:4566/sts":               "",
		"http://127.9.9.9":                        "",
		"http://[::1]:80":                         "",
		"":                                        "not a URL",
		"sts.example":                             "not a URL",
		"https://":                                "not a URL",
		"file:///etc/passwd":                      "not a URL",
		"https://a:s3cret@sts.example:%zz":        "not a URL",
		"https://a:s3cret@sts.example":            "has a user, query or fragment",
		"https://sts.example?s3cret":              "has a user, query or fragment",
		"https://sts.example#s3cret":              "has a user, query or fragment",
		"https://sts.example/a:s3cret@other.test": "has a user, query or fragment",
		"http://sts.example":                      "http://sts.example is not encrypted",
		"http://localhost.example":                "is not encrypted",
		"http://127.0.0.1.example":                "is not encrypted",
		"http://169.254.169.254":                  "is not encrypted",
		"http://0.0.0.0":                          "is not encrypted",
	} {
		u, err := parseURL(text)
		switch {
		case want == "" && (err != nil || u.String() != text):
			t.Errorf("%q: %v, %v", text, u, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// FuzzURL: whatever is accepted goes to TLS or to this machine, and carries nothing else.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"https://a", "http://[::1%25x]:1/", "http://127.0.0.1@evil.test/", "https://a\\@b", "HTTP://LOCALHOST"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := parseURL(text)
		if err != nil {
			return
		}
		if u.Scheme != "https" && !Loopback(u.Hostname()) || u.User != nil || u.RawQuery != "" {
			t.Errorf("accepted %q", text)
		}
	})
}
