package enroll

import (
	"strconv"
	"strings"
)

const (
	// maxName caps the names that are made here; IAM takes 226 characters.
	maxName = 64

	// maxHost leaves room for the user.
	maxHost = 24

	secondSuffix = "-2"

	// suffixRoom is what numbered may add.
	suffixRoom = 4
)

// DefaultName returns the name of a device for user on this computer, so that it can be
// recognized and revoked alone: USER-HOST, of at most 64 characters of
// [a-zA-Z0-9_+=,.@-], as IAM wants them.
func DefaultName(user, host string) string {
	host, _, _ = strings.Cut(host, ".")
	host = clean(host, maxHost)
	if host == "" {
		return clean(user, maxName)
	}
	return clean(user, maxName-1-len(host)) + "-" + host
}

// clean returns s with what IAM does not take as dashes, cut to length.
func clean(s string, length int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_+=,.@-", r):
			return r
		}
		return '-'
	}, s)
	s = strings.Trim(s, "-")
	return strings.Trim(s[:min(len(s), length)], "-")
}

// otherName returns the name that takes turns with name when a device is rotated.
func otherName(name string) string {
	if first, ok := strings.CutSuffix(name, secondSuffix); ok && first != "" {
		return first
	}
	return numbered(name, 2)
}

// numbered returns the name of the nth device in the place of name.
func numbered(name string, n int) string {
	return clean(name, maxName-suffixRoom) + "-" + strconv.Itoa(n)
}

// serialOf returns the ARN of the virtual device of that name, without a path.
func (r *run) serialOf(name string) string {
	return "arn:" + r.who.Partition() + ":iam::" + r.who.Account + ":mfa/" + name
}
