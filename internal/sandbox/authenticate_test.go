package sandbox

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAuthentication spoils a good request in one way each.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	replace := func(old, with string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
		}
	}
	setBody := func(body string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		}
	}
	for name, test := range map[string]struct {
		spoil   func(*http.Request)
		status  int
		code    string
		message string
	}{
		"nothing":          {func(*http.Request) {}, 200, "", ""},
		"no signature":     {func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		"algorithm":        {replace(sigAlgorithm, "AWS4-HMAC-SHA1"), 400, "IncompleteSignature", "Unsupported AWS 'algorithm'"},
		"no credential":    {replace("Credential=", "Other="), 400, "IncompleteSignature", "Authorization header requires 'Credential' parameter."},
		"no parts":         {func(r *http.Request) { r.Header.Set("Authorization", sigAlgorithm) }, 400, "IncompleteSignature", "requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		"no date":          {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 400, "IncompleteSignature", "existence of either a 'X-Amz-Date' or a 'Date' header."},
		"bad date":         {func(r *http.Request) { r.Header.Set("X-Amz-Date", "today") }, 400, "IncompleteSignature", "ISO-8601 'basic format'"},
		"credential parts": {replace("/aws4_request", ""), 400, "IncompleteSignature", "Credential must have exactly 5 slash-delimited elements"},
		"terminator":       {replace("aws4_request", "aws3_request"), 403, "SignatureDoesNotMatch", "valid terminator: 'aws4_request'"},
		"scope date":       {replace("/20261123/", "/20261122/"), 403, "SignatureDoesNotMatch", "'20261122' != '20261123', from '20261123T195510Z'."},
		"scope service":    {replace("/sts/", "/iam/"), 403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'."},
		"scope region":     {replace("/us-east-1/", "/nowhere/"), 403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region, not 'nowhere'."},
		"other region":     {replace("/us-east-1/", "/us-east-2/"), 403, "SignatureDoesNotMatch", "does not match the signature you provided"},
		"host not signed":  {replace("host;", ""), 403, "SignatureDoesNotMatch", "'Host' or ':authority' must be a 'SignedHeader'"},
		"header not signed": {
			func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") },
			403, "SignatureDoesNotMatch", "'x-amz-security-token' must be a 'SignedHeader'",
		},
		"order":         {replace("content-type;host", "host;content-type"), 403, "SignatureDoesNotMatch", "sorted"},
		"unknown key":   {replace("Credential=AKIA", "Credential=AKIB"), 403, "InvalidClientTokenId", "The security token included in the request is invalid."},
		"signature":     {func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+"0") }, 403, "SignatureDoesNotMatch", "does not match the signature you provided"},
		"body":          {setBody("Action=GetCallerIdentity&Version=2011-06-15&X=1"), 403, "SignatureDoesNotMatch", "does not match the signature you provided"},
		"content type":  {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 403, "SignatureDoesNotMatch", "does not match"},
		"query":         {func(r *http.Request) { r.URL.RawQuery = "X=1" }, 403, "SignatureDoesNotMatch", "does not match"},
		"host":          {func(r *http.Request) { r.Host = "sts.amazonaws.com" }, 403, "SignatureDoesNotMatch", "does not match"},
		"action":        {setBody("Action=DoIt&Version=2011-06-15"), 400, "InvalidAction", "Could not find operation DoIt for version 2011-06-15"},
		"version":       {setBody("Action=GetCallerIdentity"), 400, "InvalidAction", "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED"},
		"IAM's version": {setBody("Action=GetCallerIdentity&Version=2010-05-08"), 400, "InvalidAction", "for version 2010-05-08"},
		"no action":     {setBody("Version=2011-06-15"), 400, "MissingAction", "Missing Action"},
		"no form":       {setBody("Action=%zz"), 404, "MalformedQueryString", "syntax error"},
		"path":          {func(r *http.Request) { r.URL.Path = "/x" }, 404, "UnknownOperationException", ""},
		"too big":       {setBody(strings.Repeat("a", maxBody+1)), 413, "RequestEntityTooLarge", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, alice, _ := newSTS(t, Options{})
			r := alice.request("GetCallerIdentity")
			test.spoil(r)
			got, err := alice.send(r)
			if err != nil {
				t.Fatal(err)
			}
			if test.status != http.StatusOK {
				got.want(t, test.status, test.code, test.message)
				return
			}
			got.wantOK(t)
		})
	}
}

func TestContentHashMustBeTrue(t *testing.T) {
	t.Parallel()
	_, alice, _ := newSTS(t, Options{})
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	for hash, status := range map[string]int{hashHex([]byte(body)): 200, hashHex([]byte("x")): 403, "UNSIGNED-PAYLOAD": 403} {
		r := alice.request("GetCallerIdentity")
		r.Header.Set("X-Amz-Content-Sha256", hash)
		alice.sign(r, "sts", body)
		if got, err := alice.send(r); err != nil || got.status != status {
			t.Errorf("%s: %d %s, %v", hash, got.status, got.Error.Message, err)
		}
	}
}

func TestGetWithQuery(t *testing.T) {
	t.Parallel()
	_, alice, _ := newSTS(t, Options{})
	r, err := http.NewRequest(http.MethodGet, alice.server.URL()+"/?Version=2011-06-15&Action=GetCallerIdentity", nil)
	if err != nil {
		t.Fatal(err)
	}
	alice.sign(r, "sts", "")
	got, err := alice.send(r)
	if err != nil || got.wantOK(t).Account != "123456789012" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// spoil returns s with another first character.
func spoil(s string) string {
	if s[0] == 'x' {
		return "y" + s[1:]
	}
	return "x" + s[1:]
}

func TestSessionToken(t *testing.T) {
	t.Parallel()
	_, alice, _ := newSTS(t, Options{})
	session := alice.session()
	for name, token := range map[string]string{"none": "", "wrong": spoil(session.token), "cut": session.token[:40]} {
		spoilt := *session
		spoilt.token = token
		t.Log(name)
		spoilt.do("GetCallerIdentity").want(t, 403, "InvalidClientTokenId", "")
	}
	spoilt := *session
	spoilt.secret = spoil(session.secret)
	spoilt.do("GetCallerIdentity").want(t, 403, "SignatureDoesNotMatch", "")
	withToken := *alice
	withToken.token = session.token
	withToken.do("GetCallerIdentity").want(t, 403, "InvalidClientTokenId", "")
}

// TestSkewEdges: five minutes are still good, a second more is not.
func TestSkewEdges(t *testing.T) {
	t.Parallel()
	_, alice, clock := newSTS(t, Options{})
	for skew, status := range map[time.Duration]int{
		5 * time.Minute: 200, -5 * time.Minute: 200,
		5*time.Minute + time.Second: 403, -5*time.Minute - time.Second: 403,
	} {
		alice.clock = func() time.Time { return clock.Now().Add(skew) }
		if got := alice.do("GetCallerIdentity"); got.status != status {
			t.Errorf("skew %s: %d", skew, got.status)
		}
	}
}

func TestVerify(t *testing.T) {
	server := startServer(t, Options{})
	alice := newUser(t, server, "alice")
	for name, test := range map[string]struct {
		service, payload string
		change           func(*http.Request)
		want             string
	}{
		"as signed":     {"s3", hashHex([]byte("x")), nil, ""},
		"other service": {"ecr", hashHex([]byte("x")), nil, "SignatureDoesNotMatch"},
		"other body":    {"s3", hashHex(nil), nil, "SignatureDoesNotMatch"},
		"other path":    {"s3", hashHex([]byte("x")), func(r *http.Request) { r.URL.Path = "/bucket/other" }, "SignatureDoesNotMatch"},
		"no signature":  {"s3", hashHex([]byte("x")), func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationToken"},
	} {
		r, _ := http.NewRequest(http.MethodPut, server.URL()+"/bucket/a%20key?x=1", nil)
		alice.sign(r, "s3", "x")
		if test.change != nil {
			test.change(r)
		}
		signature, refused := server.Verify(r, test.service, test.payload)
		if refused != test.want || refused == "" && signature.KeyID != alice.id {
			t.Errorf("%s: %v, %q, want %q", name, signature, refused, test.want)
		}
	}
}
