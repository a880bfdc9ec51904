package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// duration is the parameter DurationSeconds of an action that allows up to high.
func duration(high int) param {
	return param{name: "DurationSeconds", number: true, low: minDuration, high: high}
}

func (c *call) duration(preset int) time.Duration {
	return time.Duration(c.number("DurationSeconds", preset)) * time.Second
}

func assumeRoleParams(serial, code param) []param {
	return []param{
		must(param{name: "RoleArn", low: 20, high: 2048}),
		must(param{name: "RoleSessionName", low: 2, high: 64, class: className}),
		duration(maxRoleDuration),
		{name: "ExternalId", low: 2, high: 1224, class: `[\w+=,.@:\/-]`},
		serial,
		code,
		{name: "SourceIdentity", low: 2, high: 64, class: className},
		{name: "Policy", low: 1, high: 2048},
	}
}

type credentials struct {
	AccessKeyID     string    `xml:"AccessKeyId"`
	SecretAccessKey string    `xml:"SecretAccessKey"`
	SessionToken    string    `xml:"SessionToken"`
	Expiration      timestamp `xml:"Expiration"`
}

// getSessionToken gives out a base session.
func (c *call) getSessionToken() (any, *refusal) {
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
	duration := c.duration(presetSession)
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
	arn, policy := c.params.Get("RoleArn"), c.params.Get("Policy")
	if !strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") != 5 {
		return nil, invalid(arn + " is invalid")
	}
	if policy != "" && !json.Valid([]byte(policy)) {
		return nil, refuse(http.StatusBadRequest, "MalformedPolicyDocument", "The policy is not in the valid JSON format.")
	}
	duration := c.duration(presetRole)
	role, refused := c.enterRole(arn, duration)
	if refused != nil {
		return nil, refused
	}
	return c.roleSession(role, duration), nil
}

// enterRole decides whether the caller may assume the role. The code is spent
// first, because policies ask for MFA: what they refuse has cost a code.
func (c *call) enterRole(arn string, duration time.Duration) (*Role, *refusal) {
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
	if role == nil || !role.admits(c.caller, c.params, mfa || c.caller.mfa()) {
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
func (r *Role) admits(who *caller, params url.Values, mfa bool) bool {
	if r.RequireMFA && !mfa || r.ExternalID != "" && r.ExternalID != params.Get("ExternalId") {
		return false
	}
	for name := range r.Demands {
		if r.Demands.Get(name) != params.Get(name) {
			return false
		}
	}
	principal := ""
	if who.user != nil {
		principal = who.user.Name
	} else {
		principal = "role/" + who.role.Name
	}
	return slices.Contains(r.Trusts, Everyone) || slices.Contains(r.Trusts, principal)
}

// roleSession issues the session. It carries no MFA of its own.
func (c *call) roleSession(role *Role, duration time.Duration) any {
	type assumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		Arn           string `xml:"Arn"`
	}
	name := c.params.Get("RoleSessionName")
	arn, id := c.world.assumed(role, name)
	return struct {
		Credentials     credentials
		AssumedRoleUser assumedRoleUser
		SourceIdentity  string `xml:",omitempty"`
	}{
		Credentials:     c.issue(session{role: role.Name, name: name, chained: c.caller.session != nil}, duration),
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

// federationPath is the sign-in endpoint for federated users (IAM User Guide, "Enable custom identity broker
// access to the AWS console").
const federationPath = "/federation"

// signinLife is how long the URL of a login is good for.
const signinLife = 15 * time.Minute

// federate gives out a sign-in token for a role session, and signs a browser in with one. AWS's page for a request
// that it refuses is HTML.
func (s *Server) federate(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	answer := newAnswer(http.StatusBadRequest, "text/html; charset=utf-8", []byte("<html><body><h1>HTTP Status 400 - Invalid Credentials Parameter</h1></body></html>"))
	s.mu.Lock()
	action := query.Get("Action")
	refused := invalid("Invalid Credentials Parameter")
	switch {
	case err != nil || r.Method != http.MethodGet:
	case action == "getSigninToken" && s.federable(query):
		token := s.random.base64(400)
		s.logins[token] = s.Now().Add(signinLife)
		body, _ := json.Marshal(map[string]string{"SigninToken": token}) // it cannot fail
		answer, refused = newAnswer(http.StatusOK, "application/json", body), nil
	case action == "login" && s.admits(query):
		answer, refused = newAnswer(http.StatusFound, "text/html", nil), nil
		answer.header.Set("Location", query.Get("Destination"))
	}
	s.count(action, refused)
	s.mu.Unlock()
	s.write(w, answer)
}

// federable reports whether AWS gives a sign-in token for a request: not for a session of GetSessionToken, and with
// SessionDuration not for a role that another session has assumed.
func (s *Server) federable(query url.Values) bool {
	var given map[string]string
	if json.Unmarshal([]byte(query.Get("Session")), &given) != nil || len(given) != 3 {
		return false
	}
	found := s.sessions[given["sessionId"]]
	if found == nil || found.role == "" || found.secret != given["sessionKey"] || found.token != given["sessionToken"] || !s.Now().Before(found.expires) {
		return false
	}
	if !query.Has("SessionDuration") {
		return true
	}
	seconds, err := strconv.Atoi(query.Get("SessionDuration"))
	return err == nil && seconds >= minDuration && seconds <= maxRoleDuration && !found.chained
}

// admits reports whether a browser gets in with the URL of a login: to the console of the account's partition.
func (s *Server) admits(query url.Values) bool {
	end, found := s.logins[query.Get("SigninToken")]
	to, err := url.Parse(query.Get("Destination"))
	home := map[string]string{"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}[s.world.Partition]
	return found && s.Now().Before(end) && err == nil && to.Scheme == "https" && to.Host == home && query.Get("Issuer") != ""
}
