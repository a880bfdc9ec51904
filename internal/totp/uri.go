package totp

import (
	"net/url"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// URI returns the seed as an otpauth URI, the form of QR codes: see "Key Uri
// Format" of Google Authenticator. The label names the account. The issuer, if not
// empty, stands before it and in its own parameter, as that format recommends.
// Neither should hold a colon: apps take the first for the end of the issuer.
//
// SHA-1, 6 digits and 30 seconds are every app's defaults and stay unsaid, as in
// AWS's own QR codes. The URI of the zero Seed is the empty secret.
func (s Seed) URI(label, issuer string) creds.Secret {
	if s.IsZero() {
		return creds.Secret{}
	}
	path, query := escape(label), "?secret="+s.Base32().Reveal()
	if issuer != "" {
		path = escape(issuer) + ":" + path
		query += "&issuer=" + escape(issuer)
	}
	return creds.NewSecret("otpauth://totp/" + path + query)
}

// escape is right for paths and queries alike. A space must become %20: apps show
// a plus sign as it is.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// decodeURI returns the bytes of the one seed in the URI scheme://rest.
func decodeURI(scheme, rest string) ([]byte, error) {
	switch scheme {
	case "otpauth":
	case migrationScheme:
		return decodeMigration(rest)
	default:
		return nil, refuse("give the seed or an otpauth://totp URI", "that is a URI, but not an otpauth URI")
	}
	// Later, QueryUnescape cannot fail.
	if position := brokenEscape(rest); position > 0 {
		return nil, refuse(copyURI, "otpauth URI has a bad percent escape at character %d", len("otpauth://")+position)
	}
	path, query, _ := strings.Cut(rest, "?")
	kind, _, _ := strings.Cut(path, "/")
	switch strings.ToLower(kind) {
	case "totp":
		return decodeParameters(query)
	case "hotp":
		return nil, refuse("give the seed of a time-based device", "otpauth URI is for hotp, which is counter-based, and AWS needs totp")
	}
	return nil, refuse(copyURI, "otpauth URI is neither for totp nor for hotp")
}

const copyURI = "copy the whole URI again"

// brokenEscape returns the position, counted in characters from 1, of the first
// percent sign in s that two hexadecimal digits do not follow, or 0.
func brokenEscape(s string) int {
	position := 0
	for at, r := range s {
		position++
		if r != '%' {
			continue
		}
		if _, err := url.QueryUnescape(s[at:min(at+3, len(s))]); err != nil {
			return position
		}
	}
	return 0
}

// decodeParameters returns the bytes of the one secret in query. Parameters that
// change the code are checked, and all others left alone.
func decodeParameters(query string) ([]byte, error) {
	var secrets []string
	query = strings.ReplaceAll(query, "&amp;", "&") // copied out of HTML
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		name, value = strings.ToLower(unescape(name)), unescape(value)
		if name == "secret" {
			secrets = append(secrets, value)
		}
		if err := checkParameter(name, value); err != nil {
			return nil, err
		}
	}
	switch len(secrets) {
	case 0:
		return nil, refuse(copyURI, "otpauth URI has no secret parameter")
	case 1:
		return decodeBase32(secrets[0])
	}
	return nil, refuse(copyURI, "otpauth URI has more than one secret parameter")
}

func unescape(s string) string {
	plain, _ := url.QueryUnescape(s)
	return plain
}

// checkParameter refuses what would give codes that AWS does not accept.
func checkParameter(name, value string) error {
	var want string
	switch name {
	case "algorithm":
		want = "SHA1"
		value = strings.TrimPrefix(strings.ReplaceAll(strings.ToUpper(value), "-", ""), "HMAC")
	case "digits":
		want = "6"
	case "period":
		want = "30"
	}
	if want == "" || value == want {
		return nil
	}
	if len(value) > len("SHA512") || !only(value, upper+decimals) {
		value = "(something else)"
	}
	return refuse("enrol a device whose codes AWS accepts", "otpauth URI asks for %s=%s, AWS uses %s", name, value, want)
}
