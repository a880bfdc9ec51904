package profile

import (
	"fmt"
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
		for _, prefix := range p.prefixes {
			if strings.HasPrefix(region, prefix) {
				return p.name
			}
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
		return "", fault.New(region.kind(), region.place(), "set region to one of AWS's, such as "+byDefault, "%s is no region", region.quoted())
	case byDefault != "" && partitionOf(region.text) != partition:
		r.note(fmt.Sprintf("%s: region %s is not in the partition %s; STS is asked in %s", region.place(), region.text, partition, byDefault))
		return byDefault, nil
	}
	return region.text, nil
}

func isRegion(name string) bool {
	return len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
