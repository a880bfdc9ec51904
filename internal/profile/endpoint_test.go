package profile

import (
	"strings"
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
		s, err := load(t, c.aws, c.own).Resolve(Call{Profile: "x"}, environment(c.env...))
		if err != nil || s.Endpoint != c.want {
			t.Errorf("%s: got %q, %v, want %q", name, s.Endpoint, err, c.want)
		}
	}
}

// TestEndpointOfIAM is looked for only by who wants to ask IAM.
func TestEndpointOfIAM(t *testing.T) {
	t.Parallel()
	const services = "[profile x]\nservices = s\n[services s]\niam =\n  endpoint_url = https://iam.example\nsts =\n  endpoint_url = https://sts.example\n"
	for name, c := range map[string]struct {
		aws       string
		env       []string
		sts, want string
	}{
		"none":                    {aws: "[profile x]\n"},
		"services":                {aws: services, sts: "https://sts.example", want: "https://iam.example"},
		"variable":                {aws: services, env: []string{"AWS_ENDPOINT_URL", "https://env.example"}, sts: "https://env.example", want: "https://env.example"},
		"variable of the service": {aws: services, env: []string{"AWS_ENDPOINT_URL_IAM", "https://env.example"}, sts: "https://sts.example", want: "https://env.example"},
	} {
		env := environment(c.env...)
		env.IAM = true
		s, err := load(t, c.aws, "").Resolve(Call{Profile: "x"}, env)
		if err != nil || s.IAMEndpoint != c.want || s.Endpoint != c.sts {
			t.Errorf("%s: got %q and %q, %v", name, s.IAMEndpoint, s.Endpoint, err)
		}
	}
	broken := environment("AWS_ENDPOINT_URL_IAM", "http://example.com")
	if _, err := load(t, "[profile x]\n", "").Resolve(Call{Profile: "x"}, broken); err != nil {
		t.Errorf("a get fails because of the endpoint of IAM: %v", err)
	}
	broken.IAM = true
	_, err := load(t, "[profile x]\n", "").Resolve(Call{Profile: "x"}, broken)
	wantFault(t, err, fault.Config, "AWS_ENDPOINT_URL_IAM", "not encrypted")
}

// TestPinnedStoreGoesBeforeTheEnvironment has secrets in the environment that are not this profile's.
func TestPinnedStoreGoesBeforeTheEnvironment(t *testing.T) {
	t.Parallel()
	env := environment()
	env.Identity, env.AccessKeyID, env.Serial = true, "AKIAFROMENVIRONMENT0", "arn:aws:iam::999999999999:mfa/env"
	const own = "[x]\nmfa_serial = " + serial + "\n"
	const id = "access_key_id = AKIAIOSFODNN7EXAMPLE\n"
	for store, pinned := range map[string]bool{"": false, "store = env\n": false, id + "store = age\n": true, id + "key_store = age\nseed_store = pass\n": true} {
		s, err := load(t, "", own+store).Resolve(Call{Profile: "x"}, env)
		if err != nil || (s.AccessKeyID == "AKIAIOSFODNN7EXAMPLE") != pinned || (s.Serial == serial) != pinned {
			t.Errorf("%q: %s, %s, %v", store, s.AccessKeyID, s.Serial, err)
		}
	}
	for _, store := range []string{id, id + "store = env\n"} {
		_, err := load(t, "", own+store).Resolve(Call{Profile: "x"}, env)
		wantFault(t, err, fault.Config, "profiles.ini:3", "another access key")
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
		_, err := load(t, "[profile x]\nendpoint_url = "+text+"\n", "").Resolve(Call{Profile: "x"}, environment())
		wantFault(t, err, fault.Config, "config:2", part)
		_, err = load(t, "[profile x]\n", "").Resolve(Call{Profile: "x"}, environment("AWS_ENDPOINT_URL_STS", text))
		wantFault(t, err, fault.Config, "AWS_ENDPOINT_URL_STS", part)
	}
	for _, variable := range []string{"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"} {
		_, err := load(t, "[profile x]\n", "").Resolve(Call{Profile: "x"}, environment("AWS_ENDPOINT_URL", "https://a.example", variable, "true"))
		wantFault(t, err, fault.Config, "AWS_ENDPOINT_URL", "excludes FIPS")
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	files := load(t, "[profile x]\nuse_fips_endpoint = True # x\nuse_dualstack_endpoint = false\nca_bundle = /a\n", "")
	s, err := files.Resolve(Call{Profile: "x"}, environment())
	if err != nil || !s.FIPS || s.DualStack || s.CABundle != "/a" {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = files.Resolve(Call{Profile: "x"}, environment("AWS_USE_FIPS_ENDPOINT", "false", "AWS_USE_DUALSTACK_ENDPOINT", "true", "AWS_CA_BUNDLE", "/b"))
	if err != nil || s.FIPS || !s.DualStack || s.CABundle != "/b" {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = files.Resolve(Call{Profile: "x"}, environment("AWS_USE_FIPS_ENDPOINT", "yes"))
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

// TestRegionOfTheEnvironment: a region that only the shell has chooses the STS to ask, as for the SDKs, and
// nothing else.
func TestRegionOfTheEnvironment(t *testing.T) {
	t.Parallel()
	const china = "mfa_serial = arn:aws-cn:iam::123456789012:mfa/a\n"
	for name, c := range map[string]struct {
		aws, own, region, other string // AWS_REGION, AWS_DEFAULT_REGION
		partition, want, note   string
	}{
		"AWS_REGION":                 {region: "eu-central-1", other: "eu-west-3", partition: "aws", want: "eu-central-1"},
		"AWS_DEFAULT_REGION":         {other: "eu-west-3", partition: "aws", want: "eu-west-3"},
		"config first":               {aws: "region = eu-west-1\n", region: "eu-central-1", partition: "aws", want: "eu-west-1"},
		"profiles.ini first":         {own: "[x]\nregion = eu-west-2\n", region: "eu-central-1", partition: "aws", want: "eu-west-2"},
		"source first":               {aws: "role_arn = " + roleA + "\nsource_profile = y\n[profile y]\nregion = eu-west-2\n", region: "eu-central-1", partition: "aws", want: "eu-west-2"},
		"of another partition":       {aws: "mfa_serial = " + serial + "\n", region: "cn-north-1", partition: "aws", want: "us-east-1", note: "AWS_REGION: region cn-north-1 is not in the partition aws; STS is asked in us-east-1"},
		"of another partition, cn":   {aws: china, other: "us-east-1", partition: "aws-cn", want: "cn-northwest-1", note: "AWS_DEFAULT_REGION: region us-east-1 is not in the partition aws-cn"},
		"of the serial's partition":  {aws: china, region: "cn-north-1", partition: "aws-cn", want: "cn-north-1"},
		"nothing says the partition": {region: "us-gov-east-1", partition: "aws-us-gov", want: "us-gov-east-1"},
		"of MinIO":                   {region: "minio", other: "eu-west-3", partition: "aws", want: "eu-west-3"},
		"of R2":                      {region: "auto", partition: "aws", want: "us-east-1"},
		"global":                     {region: "aws-global", partition: "aws", want: "us-east-1"},
		"no region":                  {region: "Europe (Frankfurt)", partition: "aws", want: "us-east-1"},
		"part of a host":             {region: "evil.example/eu-west-1", partition: "aws", want: "us-east-1"},
	} {
		s, err := load(t, "[profile x]\n"+c.aws, c.own).Resolve(Call{Profile: "x"}, environment("AWS_REGION", c.region, "AWS_DEFAULT_REGION", c.other))
		if err != nil || s.Partition != c.partition || s.Region != c.want || !strings.HasPrefix(strings.Join(s.Notes, "\n"), c.note) || (c.note == "") != (len(s.Notes) == 0) {
			t.Errorf("%s: %s, %s, %q, %v", name, s.Partition, s.Region, s.Notes, err)
		}
	}
}
