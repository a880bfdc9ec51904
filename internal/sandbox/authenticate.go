package sandbox

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	signatureWindow = 5 * time.Minute
	// presignedWindow is how long STS takes a presigned request, whatever its
	// X-Amz-Expires says.
	presignedWindow = 15 * time.Minute
)

// caller is whoever signed a request.
type caller struct {
	user    *User    // nil for a role session
	role    *Role    // nil for a user
	session *session // nil for a long-term key
	arn     string
	id      string // UserId of GetCallerIdentity
}

func (c *caller) root() bool { return c.user != nil && c.user.Name == RootUser }

func (c *caller) mfa() bool { return c.session != nil && c.session.mfa }

// authenticate verifies the signature of a request for service.
func (a *account) authenticate(r *request, service string) (*caller, *refusal) {
	claim, refused := readClaim(r.http, r.query)
	if refused != nil {
		return nil, refused
	}
	if refused := a.checkScope(claim, service); refused != nil {
		return nil, refused
	}
	caller, secret := a.lookUp(claim, r.now)
	if caller == nil {
		return nil, invalidToken()
	}
	if refused := claim.checkTime(r.now); refused != nil {
		return nil, refused
	}
	if refused := claim.verify(r, secret); refused != nil {
		return nil, refused
	}
	if caller.session != nil && !r.now.Before(caller.session.expires) {
		return nil, refuse(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	a.noteUse(claim, r.now)
	return caller, nil
}

func invalidToken() *refusal {
	return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

// checkScope holds service and region of the credential scope against the
// endpoint. IAM is one endpoint per partition and wants its region there.
func (a *account) checkScope(c *claim, service string) *refusal {
	if c.service != service {
		return mismatch("Credential should be scoped to correct service: '" + service + "'. ")
	}
	elsewhere := service == "iam" && c.region != iamRegion(a.world.Partition) && !a.options.AnyIAMRegion
	if elsewhere || !regionForm.MatchString(c.region) {
		return mismatch("Credential should be scoped to a valid region, not '" + c.region + "'. ")
	}
	return nil
}

var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)

func iamRegion(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return "us-east-1"
}

// partitionOf returns the partition of a region, of the three public ones.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// lookUp returns the caller whose key it is and the secret, or nil. A key of
// another partition does not exist here, and one that is too new not yet.
func (a *account) lookUp(c *claim, now time.Time) (who *caller, secret string) {
	if partitionOf(c.region) != a.world.Partition {
		return nil, ""
	}
	if session, ok := a.sessions[c.keyID]; ok {
		if !hmac.Equal([]byte(session.token), []byte(c.token)) {
			return nil, ""
		}
		return a.sessionCaller(session), session.secret
	}
	user, key := a.world.Key(c.keyID)
	if key == nil || key.Inactive || c.token != "" || now.Before(key.known) {
		return nil, ""
	}
	return a.userCaller(user), key.Secret
}

func (a *account) userCaller(user *User) *caller {
	id := user.ID
	if user.Name == RootUser {
		id = a.world.Account
	}
	return &caller{user: user, arn: a.world.UserARN(user.Name), id: id}
}

// sessionCaller returns nil if the user or role has gone.
func (a *account) sessionCaller(s *session) *caller {
	if user := a.world.User(s.user); s.user != "" && user != nil {
		c := a.userCaller(user)
		c.session = s
		return c
	}
	role := a.world.Role(s.role)
	if role == nil {
		return nil
	}
	arn, id := a.world.assumed(role, s.name)
	return &caller{role: role, session: s, arn: arn, id: id}
}

// noteUse keeps what GetAccessKeyLastUsed tells.
func (a *account) noteUse(c *claim, now time.Time) {
	if _, key := a.world.Key(c.keyID); key != nil {
		key.LastUsed = Use{Time: now, Service: c.service, Region: c.region}
	}
}

// checkTime refuses a signature that is too old or from the future.
func (c *claim) checkTime(now time.Time) *refusal {
	window := signatureWindow
	if c.presigned {
		window = presignedWindow
	}
	stamp := now.UTC().Format(sigTime)
	minutes := int(window / time.Minute)
	if limit := now.Add(-window); c.time.Before(limit) {
		return mismatch(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)", c.stamp, limit.UTC().Format(sigTime), stamp, minutes))
	}
	if limit := now.Add(signatureWindow); c.time.After(limit) {
		return mismatch(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)", c.stamp, limit.UTC().Format(sigTime), stamp))
	}
	return nil
}

// verify computes the signature anew.
func (c *claim) verify(r *request, secret string) *refusal {
	want := sign(r.http, r.query, r.body, c, secret)
	stated := r.http.Header.Get("X-Amz-Content-Sha256")
	if hmac.Equal([]byte(want), []byte(c.value)) && (stated == "" || stated == hashHex(r.body)) {
		return nil
	}
	return mismatch("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}
