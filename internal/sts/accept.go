package sts

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	maxLifetime   = 36 * time.Hour  // GetSessionToken's longest, in the STS API
	lifetimeSlack = 5 * time.Minute // for a clock that was not measured to the second
)

// defect returns what makes a successful answer unusable, or "".
func (t *try) defect(got issued) string {
	c := got.credentials
	if c == nil || aws.ToString(c.AccessKeyId) == "" || aws.ToString(c.SecretAccessKey) == "" || aws.ToString(c.SessionToken) == "" || c.Expiration == nil {
		return "its credentials are incomplete"
	}
	left := c.Expiration.Sub(t.ServerNow())
	switch {
	case left <= 0:
		return "its credentials have expired already"
	case left > min(t.request.Duration, maxLifetime)+lifetimeSlack:
		return "its credentials last longer than was asked for"
	case t.request.Role != nil && !sameAccount(got.roleSession, t.request.Role.ARN):
		return "its credentials are for another account"
	}
	return ""
}

// sameAccount compares the account fields of two ARNs
// (arn:partition:service:region:account:resource).
func sameAccount(a, b string) bool {
	x, y := strings.SplitN(a, ":", 6), strings.SplitN(b, ":", 6)
	return len(x) == 6 && len(y) == 6 && x[4] == y[4]
}
