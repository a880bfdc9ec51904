package sandbox

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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
func (s *Server) authenticate(r *request, service string) (*caller, *refusal) {
	claim, refused := readClaim(r.http, r.query)
	if refused != nil {
		return nil, refused
	}
	if refused := s.checkScope(claim, service); refused != nil {
		return nil, refused
	}
	caller, secret := s.lookUp(claim, r.now)
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
	s.noteUse(claim, r.now)
	return caller, nil
}

// Signature is the verified signature of a request.
type Signature struct {
	KeyID string
	Value string // hex
	claim *claim
	key   []byte
}

// Verify checks the signature of a request to a service that the server does not play itself. payload
// is the hash of the body, or what S3 takes in its stead. refused is AWS's code of an error.
func (s *Server) Verify(r *http.Request, service, payload string) (signature *Signature, refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := &request{http: r, query: r.URL.Query(), payload: payload, now: s.Now()}
	if _, refusal := s.authenticate(request, service); refusal != nil {
		return nil, refusal.code
	}
	claim, _ := readClaim(r, request.query)
	_, secret := s.lookUp(claim, request.now)
	return &Signature{claim.keyID, claim.value, claim, signingKey(secret, claim)}, ""
}

// Sign signs texts with the key of the signature, as the chunks of a body of S3's are.
func (g *Signature) Sign(algorithm string, texts ...string) string {
	return hex.EncodeToString(mac(g.key, strings.Join(append([]string{algorithm, g.claim.stamp, g.claim.scope()}, texts...), "\n")))
}

func invalidToken() *refusal {
	return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

// checkScope holds service and region of the credential scope against the
// endpoint. IAM is one endpoint per partition and wants its region there.
func (s *Server) checkScope(c *claim, service string) *refusal {
	if c.service != service {
		return mismatch("Credential should be scoped to correct service: '" + service + "'. ")
	}
	elsewhere := service == "iam" && c.region != iamRegion(s.world.Partition) && !s.options.AnyIAMRegion
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
func (s *Server) lookUp(c *claim, now time.Time) (who *caller, secret string) {
	if partitionOf(c.region) != s.world.Partition {
		return nil, ""
	}
	if session, ok := s.sessions[c.keyID]; ok {
		if !hmac.Equal([]byte(session.token), []byte(c.token)) {
			return nil, ""
		}
		return s.sessionCaller(session), session.secret
	}
	user, key := s.world.Key(c.keyID)
	if key == nil || key.Inactive || c.token != "" || now.Before(key.known) {
		return nil, ""
	}
	return s.userCaller(user), key.Secret
}

func (s *Server) userCaller(user *User) *caller {
	id := user.ID
	if user.Name == RootUser {
		id = s.world.Account
	}
	return &caller{user: user, arn: s.world.UserARN(user.Name), id: id}
}

// sessionCaller returns nil if the user or role has gone.
func (s *Server) sessionCaller(from *session) *caller {
	if user := s.world.User(from.user); from.user != "" && user != nil {
		c := s.userCaller(user)
		c.session = from
		return c
	}
	role := s.world.Role(from.role)
	if role == nil {
		return nil
	}
	arn, id := s.world.assumed(role, from.name)
	return &caller{role: role, session: from, arn: arn, id: id}
}

// noteUse keeps what GetAccessKeyLastUsed returns.
func (s *Server) noteUse(c *claim, now time.Time) {
	if _, key := s.world.Key(c.keyID); key != nil {
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
	want := sign(r.http, r.query, r.payload, c, secret)
	stated := r.http.Header.Get("X-Amz-Content-Sha256")
	if hmac.Equal([]byte(want), []byte(c.value)) && (stated == "" || stated == r.payload) {
		return nil
	}
	return mismatch("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// claim is what a request says of its own signature.
type claim struct {
	keyID   string
	date    string // of the scope, YYYYMMDD
	region  string
	service string
	headers []string // the signed ones, lower case, sorted
	value   string   // the signature, hex
	stamp   string   // of the request, YYYYMMDDTHHMMSSZ
	time    time.Time
	token   string // the session token, or empty

	presigned bool // in the query instead of in headers
}

// scope is the credential scope.
func (c *claim) scope() string {
	return strings.Join([]string{c.date, c.region, c.service, sigTerminator}, "/")
}

// readClaim finds the signature of r, in the Authorization header or, for a
// presigned request, in the query.
func readClaim(r *http.Request, query url.Values) (*claim, *refusal) {
	var c *claim
	var credential string
	var refused *refusal
	switch {
	case r.Header.Get("Authorization") != "":
		c, credential, refused = claimOfHeader(r)
	case query.Get("X-Amz-Algorithm") != "":
		c, credential, refused = claimOfQuery(query)
	default:
		return nil, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	if refused != nil {
		return nil, refused
	}
	if refused := c.readStamp(); refused != nil {
		return nil, refused
	}
	if refused := c.readCredential(credential); refused != nil {
		return nil, refused
	}
	return c, c.checkHeaders(r)
}

// claimOfHeader reads
//
//	AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, SignedHeaders=A;B, Signature=HEX
func claimOfHeader(r *http.Request) (c *claim, credential string, refused *refusal) {
	header := r.Header.Get("Authorization")
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != sigAlgorithm {
		return nil, "", incomplete("Unsupported AWS 'algorithm': '" + algorithm + "'.")
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	c = &claim{
		headers: strings.Split(fields["SignedHeaders"], ";"),
		value:   fields["Signature"],
		stamp:   cmp.Or(r.Header.Get("X-Amz-Date"), r.Header.Get("Date")),
		token:   r.Header.Get("X-Amz-Security-Token"),
	}
	return c, fields["Credential"], missing(fields, c.stamp, header)
}

// missing names every part that an Authorization header lacks, as AWS does, and
// names the header by its hash only.
func missing(fields map[string]string, stamp, header string) *refusal {
	var texts []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if fields[name] == "" {
			texts = append(texts, "Authorization header requires '"+name+"' parameter.")
		}
	}
	if stamp == "" {
		texts = append(texts, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if texts == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(header))
	return incomplete(strings.Join(texts, " ") + " (Hashed with SHA-256 and encoded with Base64) Authorization=" + base64.StdEncoding.EncodeToString(sum[:]))
}

func claimOfQuery(query url.Values) (c *claim, credential string, refused *refusal) {
	if algorithm := query.Get("X-Amz-Algorithm"); algorithm != sigAlgorithm {
		return nil, "", incomplete("Unsupported AWS 'algorithm': '" + algorithm + "'.")
	}
	var texts []string
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if query.Get(name) == "" {
			texts = append(texts, "AWS query-string parameters must include '"+name+"'.")
		}
	}
	if texts != nil {
		return nil, "", incomplete(strings.Join(texts, " ") + " Re-examine the query-string parameters.")
	}
	c = &claim{
		presigned: true,
		headers:   strings.Split(query.Get("X-Amz-SignedHeaders"), ";"),
		value:     query.Get("X-Amz-Signature"),
		stamp:     query.Get("X-Amz-Date"),
		token:     query.Get("X-Amz-Security-Token"),
	}
	return c, query.Get("X-Amz-Credential"), nil
}

// readStamp parses the time of the request. The Date header may have HTTP's
// own form.
func (c *claim) readStamp() *refusal {
	at, err := time.Parse(sigTime, c.stamp)
	if err != nil {
		at, err = http.ParseTime(c.stamp)
	}
	if err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '" + c.stamp + "'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	c.time, c.stamp = at.UTC(), at.UTC().Format(sigTime)
	return nil
}

func (c *claim) readCredential(credential string) *refusal {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + credential + "'")
	}
	c.keyID, c.date, c.region, c.service = parts[0], parts[1], parts[2], parts[3]
	if parts[4] != sigTerminator {
		return mismatch("Credential should be scoped with a valid terminator: '" + sigTerminator + "', not '" + parts[4] + "'.")
	}
	if want := c.time.Format(sigDate); c.date != want {
		return mismatch("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + c.date + "' != '" + want + "', from '" + c.stamp + "'.")
	}
	return nil
}

// checkHeaders demands the host and every header of AWS's among the signed.
func (c *claim) checkHeaders(r *http.Request) *refusal {
	if !slices.IsSorted(c.headers) {
		return mismatch("'SignedHeaders' must be in sorted order.")
	}
	if !slices.Contains(c.headers, "host") {
		return mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(c.headers, name) {
			return mismatch("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	return nil
}

func incomplete(message string) *refusal {
	return refuse(http.StatusBadRequest, "IncompleteSignature", message)
}

func mismatch(message string) *refusal {
	return refuse(http.StatusForbidden, "SignatureDoesNotMatch", message)
}

const (
	sigAlgorithm  = "AWS4-HMAC-SHA256"
	sigTerminator = "aws4_request"
	sigTime       = "20060102T150405Z"
	sigDate       = "20060102"
)

// sign returns the hex signature of r, which was claimed with claim, under
// secret: the four tasks of "Signature Version 4 signing process".
func sign(r *http.Request, query url.Values, payload string, claim *claim, secret string) string {
	if claim.presigned {
		query = maps.Clone(query)
		query.Del("X-Amz-Signature")
	}
	canonical := canonicalRequest(r, query, payload, claim.headers)
	text := strings.Join([]string{sigAlgorithm, claim.stamp, claim.scope(), hashHex([]byte(canonical))}, "\n")
	key := signingKey(secret, claim)
	return hex.EncodeToString(mac(key, text))
}

func signingKey(secret string, claim *claim) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{claim.date, claim.region, claim.service, sigTerminator} {
		key = mac(key, part)
	}
	return key
}

// canonicalRequest is task 1. The path needs no normalisation, because the
// Query protocol knows only "/".
func canonicalRequest(r *http.Request, query url.Values, payload string, headers []string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + strings.ReplaceAll(escape(r.URL.Path), "%2F", "/") + "\n" + canonicalQuery(query) + "\n")
	for _, name := range headers {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(headers, ";") + "\n" + payload)
	return b.String()
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	slices.SortFunc(pairs, func(a, b string) int { // by name, then by value; the "=" between them must not take part
		return slices.Compare(strings.SplitN(a, "=", 2), strings.SplitN(b, "=", 2))
	})
	return strings.Join(pairs, "&")
}

// canonicalHeader returns the value of a header as it was signed. The server
// has taken Host and Content-Length out of the header map.
func canonicalHeader(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	var values []string
	for _, value := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(value), " "))
	}
	return strings.Join(values, ",")
}

// escape percent-encodes all but the unreserved characters of RFC 3986.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
