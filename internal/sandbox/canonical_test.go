package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// published are examples of AWS's own: the Signature Version 4 test suite and
// the worked example of the IAM reference.
func TestSignPublished(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		method, url, body, contentType string
		headers                        string
		service                        string
		want                           string
	}{
		"get-vanilla": {
			"GET", "https://example.amazonaws.com/", "", "", "host;x-amz-date", "service",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		"post-vanilla": {
			"POST", "https://example.amazonaws.com/", "", "", "host;x-amz-date", "service",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		},
		"get-vanilla-query-order-key-case": {
			"GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", "", "", "host;x-amz-date", "service",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		"post-x-www-form-urlencoded": {
			"POST", "https://example.amazonaws.com/", "Param1=value1", form, "content-type;host;x-amz-date", "service",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
		},
		"iam-list-users": {
			"GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "", form + "; charset=utf-8", "content-type;host;x-amz-date", "iam",
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
	} {
		r, err := http.NewRequest(test.method, test.url, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Date", "20150830T123600Z")
		if test.contentType != "" {
			r.Header.Set("Content-Type", test.contentType)
		}
		claim := &claim{date: "20150830", region: "us-east-1", service: test.service, stamp: "20150830T123600Z", headers: strings.Split(test.headers, ";")}
		if got := sign(r, r.URL.Query(), hashHex([]byte(test.body)), claim, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestCanonicalQuery(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                    "",
		"b=2&a=1":             "a=1&b=2",
		"a=2&a=1":             "a=1&a=2",
		"a=1&a-b=1&a=":        "a=&a=1&a-b=1",
		"k=%20%2F~-_.%C3%A9*": "k=%20%2F~-_.%C3%A9%2A",
		"flag":                "flag=",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := canonicalQuery(values); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}

func TestCanonicalHeaderFoldsSpaces(t *testing.T) {
	t.Parallel()
	r := &http.Request{Header: http.Header{"My-Header": {"  a   b  ", "c"}}}
	if got := canonicalHeader(r, "my-header"); got != "a b,c" {
		t.Errorf("got %q", got)
	}
}

// TestCodeVectors are RFC 6238 appendix B, SHA-1, cut to six digits.
func TestCodeVectors(t *testing.T) {
	t.Parallel()
	const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for seconds, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		got, err := Code(seed, time.Unix(seconds, 0))
		if err != nil || got != want {
			t.Errorf("at %d: got %s, %v, want %s", seconds, got, err, want)
		}
	}
}

func TestCodeBadSeed(t *testing.T) {
	t.Parallel()
	for _, seed := range []string{"", "1", "not base32"} {
		if _, err := Code(seed, time.Unix(0, 0)); err == nil || seed != "" && strings.Contains(err.Error(), seed+" ") && len(seed) > 1 {
			t.Errorf("%q: error %v", seed, err)
		}
	}
}

func FuzzReadClaim(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20150830T123600Z", "")
	f.Add("AWS4-HMAC-SHA256 Credential=////,,=", "x", "")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Signature=1&X-Amz-SignedHeaders=host&X-Amz-Date=20150830T123600Z")
	f.Fuzz(func(t *testing.T, authorization, stamp, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Header: http.Header{"Authorization": {authorization}, "X-Amz-Date": {stamp}}}
		claim, refused := readClaim(r, values)
		if (claim == nil) == (refused == nil) && refused == nil {
			t.Error("neither a claim nor a refusal")
		}
		if refused == nil && (claim.keyID+claim.value == "" || len(claim.headers) == 0) {
			t.Errorf("a claim without its parts: %+v", claim)
		}
	})
}
