package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

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
		stamp:   firstOf(r.Header.Get("X-Amz-Date"), r.Header.Get("Date")),
		token:   r.Header.Get("X-Amz-Security-Token"),
	}
	return c, fields["Credential"], missing(fields, c.stamp, header)
}

// missing names every part that an Authorization header lacks, as AWS does, and
// tells the header by its hash only.
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

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
