package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	sigAlgorithm  = "AWS4-HMAC-SHA256"
	sigTerminator = "aws4_request"
	sigTime       = "20060102T150405Z"
	sigDate       = "20060102"
)

// sign returns the hex signature of r, which was claimed with claim, under
// secret: the four tasks of "Signature Version 4 signing process".
func sign(r *http.Request, query url.Values, body []byte, claim *claim, secret string) string {
	if claim.presigned {
		query = maps.Clone(query)
		query.Del("X-Amz-Signature")
	}
	canonical := canonicalRequest(r, query, body, claim.headers)
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
func canonicalRequest(r *http.Request, query url.Values, body []byte, headers []string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + escape(r.URL.Path, "/") + "\n" + canonicalQuery(query) + "\n")
	for _, name := range headers {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(headers, ";") + "\n" + hashHex(body))
	return b.String()
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, escape(name, "")+"="+escape(value, ""))
		}
	}
	slices.SortFunc(pairs, comparePairs)
	return strings.Join(pairs, "&")
}

// comparePairs orders by name, then by value; the "=" between them must not
// take part.
func comparePairs(a, b string) int {
	return slices.Compare(strings.SplitN(a, "=", 2), strings.SplitN(b, "=", 2))
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

// escape percent-encodes all but the unreserved characters of RFC 3986 and
// those in keep.
func escape(s, keep string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if unreserved(c) || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
