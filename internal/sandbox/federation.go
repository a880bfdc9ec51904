package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

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
