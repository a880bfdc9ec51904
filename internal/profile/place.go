package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// partition is a group of regions with identities and endpoints of its own.
type partition struct {
	name     string
	region   string   // the STS region to use if nothing says otherwise
	prefixes []string // of its regions' names; none: all regions that are no other's
}

// partitions are those that AWS has (SDK partitions.json).
func partitions() []partition {
	return []partition{
		{"aws-cn", "cn-northwest-1", []string{"cn-"}},
		{"aws-us-gov", "us-gov-west-1", []string{"us-gov-"}},
		{"aws-eusc", "eusc-de-east-1", []string{"eusc-"}},
		{"aws-iso", "us-iso-east-1", []string{"us-iso-"}},
		{"aws-iso-b", "us-isob-east-1", []string{"us-isob-"}},
		{"aws-iso-e", "eu-isoe-west-1", []string{"eu-isoe-"}},
		{"aws-iso-f", "us-isof-south-1", []string{"us-isof-", "eu-isof-"}},
		{"aws", "us-east-1", nil},
	}
}

// isPartition reports whether name can be a partition, known or new.
func isPartition(name string) bool {
	return name == "aws" || strings.HasPrefix(name, "aws-") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// partitionOf returns the partition that a region belongs to.
func partitionOf(region string) string {
	for _, p := range partitions() {
		if slices.ContainsFunc(p.prefixes, func(prefix string) bool { return strings.HasPrefix(region, prefix) }) {
			return p.name
		}
	}
	return "aws"
}

// defaultRegion returns the STS region of a partition, or "" for a new one.
func defaultRegion(name string) string {
	for _, p := range partitions() {
		if p.name == name {
			return p.region
		}
	}
	return ""
}

// located is an ARN, or a region, with where it is from.
type located struct {
	what      string // "MFA device", "role"
	partition string
	value     value
}

// partition decides in which partition the profile lives: that of the MFA device,
// else of the roles, else of the region. They cannot be of different ones.
func (r *resolution) partition(all []located, region string) (string, error) {
	if len(all) == 0 {
		return partitionOf(region), nil
	}
	first := all[0]
	for _, other := range all[1:] {
		if other.partition != first.partition {
			return "", fault.New(fault.Config, other.value.place(), "take both from one partition",
				"the %s is in the partition %s, but the %s (%s) in %s", other.what, other.partition, first.what, first.value.place(), first.partition)
		}
	}
	return first.partition, nil
}

// stsRegion returns the region whose STS to ask. Tokens work in all regions of a
// partition, so a region of another one is replaced and noted.
func (r *resolution) stsRegion(region value, partition string) (string, error) {
	byDefault := defaultRegion(partition)
	switch {
	case region.text == "" && byDefault == "":
		return "", fault.New(fault.Config, "partition "+partition, "set region for the profile", "it is not known here, and no region is set")
	case region.text == "" || strings.HasSuffix(region.text, "-global"):
		return byDefault, nil
	case !isRegion(region.text):
		return "", fault.New(region.kind(), region.place(), "set region to one of AWS's, such as "+cmp.Or(byDefault, "us-east-1"), "%s is not a region", region.quoted())
	case byDefault != "" && partitionOf(region.text) != partition:
		r.note(fmt.Sprintf("%s: region %s is not in the partition %s; STS is asked in %s", region.place(), region.text, partition, byDefault))
		return byDefault, nil
	}
	return region.text, nil
}

// likeAWS reports the form that all names of regions have had so far: us-east-1.
func likeAWS(name string) bool {
	return isRegion(name) && strings.Count(name, "-") >= 2 && strings.ContainsAny(name[len(name)-1:], "0123456789")
}

func isRegion(name string) bool {
	return len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// CheckRegion refuses a region that is none: AWS's are AREA-DIRECTION-NUMBER, also those that it has yet to
// open. Thing is where it stands. The error is a *fault.Error of kind Usage.
func CheckRegion(thing, region string) error {
	parts := strings.Split(region, "-")
	n := len(parts)
	if (n == 3 || n == 4) && len(parts[n-1]) == 1 && parts[n-1] >= "1" && parts[n-1] <= "9" &&
		slices.Contains(strings.Fields("north south east west central northeast northwest southeast southwest"), parts[n-2]) &&
		len(parts[0]) >= 2 && len(parts[0]) <= 4 && !slices.Contains(strings.Fields("su ue pa as"), parts[0]) && isRegion(region) {
		return nil
	}
	remedy := "give one of AWS's, such as us-east-1"
	if near := Nearest(strings.Fields(regions), region, 1); len(near) > 0 {
		remedy = "did you mean " + near[0] + "?"
	}
	return fault.New(fault.Usage, thing, remedy, "%s is not a region of AWS", strconv.Quote(Shorten(region)))
}

// regions are the names that a misspelled one is compared with.
const regions = `af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
	ap-southeast-2 ap-southeast-3 ap-southeast-4 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1 eu-central-2
	eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 eusc-de-east-1 il-central-1 me-central-1 me-south-1 mx-central-1
	sa-east-1 us-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-west-1 us-west-2`

// endpoints decides over all that chooses the host to ask.
func (r *resolution) endpoints(s *Settings) error {
	var err error
	if s.FIPS, err = r.boolean("AWS_USE_FIPS_ENDPOINT", KeyFIPS); err != nil {
		return err
	}
	if s.DualStack, err = r.boolean("AWS_USE_DUALSTACK_ENDPOINT", KeyDualStack); err != nil {
		return err
	}
	s.CABundle = r.setting("AWS_CA_BUNDLE", KeyCABundle).text
	if s.Endpoint, err = r.endpoint(KeySTS, s); err != nil || !r.env.IAM {
		return err
	}
	s.IAMEndpoint, err = r.endpoint(KeyIAM, s)
	return err
}

// endpoint returns the URL that replaces a service's endpoint, or "".
func (r *resolution) endpoint(service string, s *Settings) (string, error) {
	v, err := r.findEndpoint(service)
	if err != nil || v.text == "" {
		return "", err
	}
	return v.text, r.checkEndpoint(v, s.FIPS || s.DualStack)
}

// OfAWS reports whether STS is AWS's own, not another maker's at an endpoint of the user's.
func (s Settings) OfAWS() bool {
	_, host, _ := strings.Cut(strings.ToLower(s.Endpoint), "://")
	if end := strings.IndexAny(host, ":/"); end >= 0 {
		host = host[:end]
	}
	return host == "" || slices.ContainsFunc([]string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"},
		func(domain string) bool { return strings.HasSuffix(host, domain) })
}

// boolean reads a switch. What is neither true nor false is refused: FIPS that is
// silently off would be worse.
func (r *resolution) boolean(variable, key string) (bool, error) {
	v := r.setting(variable, key).uncommented()
	switch strings.ToLower(v.text) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, fault.New(fault.Config, v.place(), "set it to true or false", "%s is neither true nor false", v.quoted())
}

// findEndpoint looks for the URL in the order of the AWS SDKs: the variables, then for each
// section its services section before its own endpoint_url.
func (r *resolution) findEndpoint(service string) (value, error) {
	ignore, err := r.boolean("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", KeyIgnoreEndpoint)
	if err != nil || ignore {
		return value{}, err
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_" + strings.ToUpper(service), "AWS_ENDPOINT_URL"} {
		if v := r.variable(name); v.text != "" {
			return v, nil
		}
	}
	for _, s := range r.sections() {
		v, err := r.services(s.get(KeyServices).uncommented(), service)
		if err != nil || v.text != "" {
			return v, err
		}
		if v := s.get(KeyEndpoint).uncommented(); v.text != "" {
			return v, nil
		}
	}
	return value{}, nil
}

// services returns the URL for a service in the services section that name names.
func (r *resolution) services(name value, service string) (value, error) {
	if name.text == "" {
		return value{}, nil
	}
	s, err := r.files.AWS.serviceEndpoint(name.text, service)
	if err == nil && s == nil {
		err = fault.New(fault.Config, name.place(), "add the section to the AWS config, or delete the line", "there is no section [services %s]", name.text)
	}
	return s.get(KeyEndpoint).uncommented(), err
}

// checkEndpoint refuses URLs to which no token code and no signature should go.
func (r *resolution) checkEndpoint(v value, special bool) error {
	host := "that URL"
	if r.env.CheckURL != nil {
		var err error
		if host, err = r.env.CheckURL(v.text); err != nil {
			return fault.New(fault.Config, v.place(), "write it as https://HOST[:PORT][/PATH]", "%s", err)
		}
	}
	if special {
		return fault.New(fault.Config, v.place(), "unset one of them", "the endpoint at %s excludes FIPS and dual-stack endpoints", host)
	}
	return nil
}
