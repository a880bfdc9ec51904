package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Limits of durations in seconds, from the STS API reference.
const (
	minDuration        = 900
	maxSessionDuration = 129_600
	presetSession      = 43_200
	maxRoleDuration    = 43_200
	presetRole         = 3_600
	chainedLimit       = time.Hour
	rootLimit          = time.Hour
)

// Character classes of the STS service model.
const (
	classSerial     = `[\w+=/:,.@-]`
	classCode       = `[\d]`
	className       = `[\w+=,.@-]`
	classExternalID = `[\w+=,.@:\/-]`
)

type credentials struct {
	AccessKeyID     string    `xml:"AccessKeyId"`
	SecretAccessKey string    `xml:"SecretAccessKey"`
	SessionToken    string    `xml:"SessionToken"`
	Expiration      timestamp `xml:"Expiration"`
}

// getSessionToken gives out a base session.
func (c *call) getSessionToken() (any, *refusal) {
	duration := c.seconds("DurationSeconds", presetSession, minDuration, maxSessionDuration)
	c.text("SerialNumber", 9, 256, classSerial)
	c.text("TokenCode", 6, 6, classCode)
	if refused := c.invalidParameters(); refused != nil {
		return nil, refused
	}
	if c.caller.session != nil {
		return nil, denied("Cannot call GetSessionToken with session credentials")
	}
	mfa, refused := c.useCode()
	if refused != nil {
		return nil, refused
	}
	if refused := c.authorize(c.caller.arn); refused != nil {
		return nil, refused
	}
	if c.caller.root() {
		duration = min(duration, rootLimit) // longer is cut, silently
	}
	issued := c.issue(session{user: c.caller.user.Name, mfa: mfa}, duration)
	return struct{ Credentials credentials }{issued}, nil
}

// issue makes the credentials of a new session.
func (c *call) issue(s session, duration time.Duration) credentials {
	s.keyID = "ASIA" + c.random.base32(16)
	s.secret = c.random.base64(40)
	s.token = "IQoJb3JpZ2luX2Vj" + c.random.base64(c.options.tokenSize()-16)
	s.expires = c.now.Add(duration).Truncate(time.Second)
	c.sessions[s.keyID] = &s
	return credentials{s.keyID, s.secret, s.token, timestamp(s.expires)}
}

// assumeRole gives out a role session.
func (c *call) assumeRole() (any, *refusal) {
	arn := c.required("RoleArn", 20, 2048, "")
	name := c.required("RoleSessionName", 2, 64, className)
	duration := c.seconds("DurationSeconds", presetRole, minDuration, maxRoleDuration)
	externalID := c.text("ExternalId", 2, 1224, classExternalID)
	c.text("SerialNumber", 9, 256, classSerial)
	c.text("TokenCode", 6, 6, classCode)
	c.text("SourceIdentity", 2, 64, className)
	policy := c.text("Policy", 1, 2048, "")
	if refused := c.invalidParameters(); refused != nil {
		return nil, refused
	}
	if !strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") != 5 {
		return nil, invalid(arn + " is invalid")
	}
	if policy != "" && !json.Valid([]byte(policy)) {
		return nil, refuse(http.StatusBadRequest, "MalformedPolicyDocument", "The policy is not in the valid JSON format.")
	}
	role, refused := c.enterRole(arn, externalID, duration)
	if refused != nil {
		return nil, refused
	}
	return c.roleSession(role, name, duration), nil
}

// enterRole decides whether the caller may assume the role. The code is spent
// first, because policies ask for MFA: what they refuse has cost a code.
func (c *call) enterRole(arn, externalID string, duration time.Duration) (*Role, *refusal) {
	mfa, refused := c.useCode()
	if refused != nil {
		return nil, refused
	}
	if refused := c.authorize(arn); refused != nil {
		return nil, refused
	}
	if c.caller.root() {
		return nil, denied("Roles may not be assumed by root accounts.")
	}
	role := c.world.Role(strings.TrimPrefix(arn, c.world.RoleARN("")))
	// AWS does not tell a role that does not exist from one that does not trust.
	if role == nil || !role.admits(c.caller, externalID, mfa || c.caller.mfa()) {
		return nil, c.unauthorized(arn, "")
	}
	if c.caller.session != nil && duration > chainedLimit {
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	if duration > role.MaxSession {
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return role, nil
}

// admits is the trust policy.
func (r *Role) admits(who *caller, externalID string, mfa bool) bool {
	if r.RequireMFA && !mfa || r.ExternalID != "" && r.ExternalID != externalID {
		return false
	}
	principal := ""
	if who.user != nil {
		principal = who.user.Name
	} else {
		principal = "role/" + who.role.Name
	}
	for _, trusted := range r.Trusts {
		if trusted == Everyone || trusted == principal {
			return true
		}
	}
	return false
}

// roleSession issues the session. It carries no MFA of its own.
func (c *call) roleSession(role *Role, name string, duration time.Duration) any {
	type assumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		Arn           string `xml:"Arn"`
	}
	arn, id := c.world.assumed(role, name)
	return struct {
		Credentials     credentials
		AssumedRoleUser assumedRoleUser
		SourceIdentity  string `xml:",omitempty"`
	}{
		Credentials:     c.issue(session{role: role.Name, name: name}, duration),
		AssumedRoleUser: assumedRoleUser{id, arn},
		SourceIdentity:  c.params.Get("SourceIdentity"),
	}
}

// getCallerIdentity needs no permission and cannot be denied.
func (c *call) getCallerIdentity() (any, *refusal) {
	return struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}{c.caller.arn, c.caller.id, c.world.Account}, nil
}
