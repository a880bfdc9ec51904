package iam

import (
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestEndpoints(t *testing.T) {
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
		{Options{Region: "eu-west-1", Endpoint: "https://iam.corp.example/aws"}, "https://iam.corp.example/aws", "us-east-1"},
		{Options{Region: "cn-northwest-1", Endpoint: "http://localhost:4566"}, "http://localhost:4566", "cn-north-1"},
	} {
		test.options.Getenv, test.options.Now = func(string) string { return "" }, time.Now
		client, err := New(test.options)
		if err != nil {
			t.Errorf("%s: %v", test.want, err)
			continue
		}
		if got := client.peer.Endpoint.String(); got != test.want || client.peer.Region != test.region {
			t.Errorf("endpoint %s, region %s; want %s, %s", got, client.peer.Region, test.want, test.region)
		}
	}
}

func TestUnusableEndpoints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options Options
		line    string
	}{
		{Options{}, `region: "" is not a region`},
		{Options{Region: "evil.example/"}, "is not a region"},
		{Options{Region: "eu-west-1", Endpoint: "http://iam.example"}, "IAM endpoint URL: http://iam.example is not encrypted"},
		{Options{Region: "eu-west-1", Endpoint: "https://a:CANARY@iam.example"}, "has a user, query or fragment, which it cannot have; correct or unset AWS_ENDPOINT_URL_IAM"},
		{Options{Region: "eu-west-1", Endpoint: "https://iam.example", FIPS: true}, "excludes FIPS"},
		{Options{Region: "eu-west-1", Endpoint: "https://iam.example", DualStack: true}, "excludes FIPS"},
	} {
		test.options.Getenv, test.options.Now = func(string) string { return "" }, time.Now
		_, err := New(test.options)
		if err == nil || fault.KindOf(err) != fault.Config || !strings.Contains(fault.Line(err), test.line) || strings.Contains(fault.Line(err), "CANARY") {
			t.Errorf("%q: %v", test.line, err)
		}
	}
}
