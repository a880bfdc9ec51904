package profile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// NameCharacters are those of a profile's name that every SDK reads in a header and passes on in a
// command. JS SDK v3 has no others (@smithy/core, shared-ini-file-loader), the Go SDK finds no profile
// whose header needs quotation marks, and to a shell % and = may mean something.
const NameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/@:+-"

// CheckName refuses a name for a new profile that some SDK cannot find. The error is a *fault.Error of kind
// Usage.
func CheckName(name string) error {
	const remedy = "use letters (a-z, A-Z), digits and . _ - / @ : + only"
	refused := func(cause string) error {
		return fault.New(fault.Usage, "profile name "+strconv.Quote(Shorten(name)), remedy, "%s", cause)
	}
	for _, r := range name {
		switch {
		case strings.ContainsRune(NameCharacters, r):
		case r == ' ':
			return refused("it has a space; the SDKs for JavaScript and Go do not find such a profile")
		default:
			return refused("it has " + fault.Printable(string(r)) + ", and not every SDK finds such a profile")
		}
	}
	switch {
	case name == "":
		return fault.New(fault.Usage, "--profile", "give the name of a profile", "is empty")
	case name[0] == '-':
		return refused("the AWS CLI takes a name that begins with - for an option")
	}
	return nil
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
	if near := nearest(strings.Fields(regions), region, 1); len(near) > 0 {
		remedy = "did you mean " + near[0] + "?"
	}
	return fault.New(fault.Usage, thing, remedy, "%s is not a region of AWS", strconv.Quote(Shorten(region)))
}

// regions are the names that a misspelled one is compared with.
const regions = `af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
	ap-southeast-2 ap-southeast-3 ap-southeast-4 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1 eu-central-2
	eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 eusc-de-east-1 il-central-1 me-central-1 me-south-1 mx-central-1
	sa-east-1 us-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-west-1 us-west-2`
