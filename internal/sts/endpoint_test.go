package sts

import (
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestEndpoints(t *testing.T) {
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
		client, err := New(test.options)
		if err != nil {
			t.Errorf("%s: %v", test.want, err)
			continue
		}
		if got := client.peer.Endpoint.String(); got != test.want {
			t.Errorf("endpoint %s, want %s", got, test.want)
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
		{Options{Region: "us-east-1", Endpoint: "https://sts.example", FIPS: true}, "excludes FIPS"},
		{Options{Region: "us-east-1", Endpoint: "https://sts.example", DualStack: true}, "excludes FIPS"},
	}
	for _, test := range tests {
		test.options.Getenv, test.options.Now = noEnv, time.Now
		_, err := New(test.options)
		if err == nil || fault.KindOf(err) != fault.Config || !strings.Contains(fault.Line(err), test.line) {
			t.Errorf("%+v: error %v, want %q", test.options, err, test.line)
			continue
		}
		noCanary(t, fault.Line(err))
	}
}
