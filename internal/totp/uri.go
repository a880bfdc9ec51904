package totp

import (
	"slices"
	"strconv"
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

// escape returns s with all but the unreserved characters of RFC 3986 section 2.3 as
// percent escapes, which is right for paths and queries alike.
func escape(s string) string {
	const hexadecimal = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(upper+lower+decimals+"-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexadecimal[c>>4], hexadecimal[c&15]})
		}
	}
	return b.String()
}

// unescape undoes the percent escapes of s. If one is broken, bad is the position of
// its percent sign, counted in characters from 1.
func unescape(s string) (plain string, bad int) {
	var b strings.Builder
	position := 0
	for at := 0; at < len(s); at++ {
		if s[at]&0xC0 != 0x80 { // the first byte of a character
			position++
		}
		if s[at] != '%' {
			b.WriteByte(s[at])
			continue
		}
		value, err := strconv.ParseUint(s[at+1:min(at+3, len(s))], 16, 8)
		if err != nil || at+3 > len(s) {
			return "", position
		}
		b.WriteByte(byte(value))
		at, position = at+2, position+2
	}
	return b.String(), 0
}

// URIs returns the otpauth and otpauth-migration URIs in text, each once, that have a line of their own
// or the end of one: an entry of pass has a password in its first line, one of gopass "totp: " before the
// URI, and a list of exports may have comments. The *SeedError it may return says that a line break
// may have cut a URI.
func URIs(text string) (uris []string, err error) {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		at := strings.Index(strings.ToLower(line), "otpauth")
		if at < 0 || !only(line[:at], whitespace) && !strings.HasSuffix(line[:at], ": ") {
			continue
		}
		uri := strings.Trim(line[at:], whitespace)
		if scheme, _, found := strings.Cut(uri, "://"); !found || !only(scheme, lower+upper+"-") {
			continue
		}
		if _, secret, found := strings.Cut(strings.ToLower(uri), "secret="); found && !strings.Contains(secret, "&") &&
			i+1 < len(lines) && only(strings.ToUpper(lines[i+1]), base32Set+"=") {
			return nil, refuse("put the whole URI into one line", "otpauth URI seems to go on in the next line")
		}
		if !slices.Contains(uris, uri) {
			uris = append(uris, uri)
		}
	}
	return uris, nil
}

// decodeURI returns the bytes of the one seed in the URI scheme://rest.
func decodeURI(scheme, rest string) ([]byte, error) {
	switch scheme {
	case "otpauth":
	case migrationScheme:
		return decodeMigration(rest)
	default:
		if foreign := creds.Foreign(scheme); foreign != "" {
			return nil, refuse(copyURI+", as plain text", "%s, in the otpauth URI", foreign)
		}
		return nil, refuse("give the seed or an otpauth://totp URI", "that is a URI, but not an otpauth URI")
	}
	if _, bad := unescape(rest); bad > 0 {
		return nil, refuse(copyURI, "otpauth URI has a bad percent escape at character %d", len("otpauth://")+bad)
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

// decodeParameters returns the bytes of the one secret in query, whose escapes are
// whole. Parameters that change the code are checked, and all others left alone.
func decodeParameters(query string) ([]byte, error) {
	var secrets []string
	// As text copied out of HTML has it, and as forms write a space.
	query = strings.NewReplacer("&amp;", "&", "+", " ").Replace(query)
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		name, _ = unescape(name)
		value, _ = unescape(value)
		name = strings.ToLower(name)
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
	return refuse(otherDevice, "otpauth URI asks for %s=%s, AWS uses %s", name, value, want)
}
