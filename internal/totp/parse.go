package totp

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// The alphabets that tell one kind of text from another.
const (
	whitespace = " \t\r\n\v\f"
	decimals   = "0123456789"
	lower      = "abcdefghijklmnopqrstuvwxyz"
	upper      = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	base32Set  = upper + "234567"
	base64Set  = upper + lower + decimals + "+/"
)

func only(s, alphabet string) bool { return strings.Trim(s, alphabet) == "" }

func mixesCase(s string) bool { return strings.ContainsAny(s, lower) && strings.ContainsAny(s, upper) }

// SeedError says why a text is not a seed that AWS could use. No part of it
// repeats the text, but for the one character that is wrong.
type SeedError struct {
	Problem string // what is wrong, lower case, no final period: "seed is empty"
	Remedy  string // what to do about it, in the same form; never empty

	// Weak is set if Policy.AllowWeak would have accepted the seed, so that a
	// command can name its flag for that.
	Weak bool
}

// Error returns "<Problem>; <Remedy>".
func (e *SeedError) Error() string { return e.Problem + "; " + e.Remedy }

// The remedies that more than one problem has.
const (
	copyAgain   = "copy the whole seed again"
	copyURI     = "copy the whole URI again"
	scanAgain   = "scan its QR code again"
	otherDevice = "enroll a device whose codes AWS accepts"
)

// refuse returns a SeedError whose problem is formatted as by fmt.Sprintf.
func refuse(remedy, problem string, args ...any) *SeedError {
	return &SeedError{Problem: fmt.Sprintf(problem, args...), Remedy: remedy}
}

// Policy says how strict ParseSeed is beyond what AWS demands. The zero Policy is
// the strict one.
type Policy struct {
	// AllowWeak accepts a seed of fewer than the 128 bits that RFC 4226 section 4
	// requires.
	AllowWeak bool
}

// ParseSeed reads a seed as people paste it: base32 in either case, with spaces,
// dashes, line breaks and any padding; an otpauth://totp/ URI, also as one line of others, see
// URIs; the base64 of base32 in which the XML of IAM's CreateVirtualMFADevice has it; or an export of
// Google Authenticator with one account, while ParseMigration is for others. It refuses
// whatever AWS cannot use or a bad copy has damaged, always with a *SeedError.
func ParseSeed(text string, policy Policy) (Seed, error) {
	uris, err := URIs(text)
	switch {
	case err != nil:
		return Seed{}, err
	case len(uris) > 1:
		return Seed{}, refuse("give the one of the MFA device", "that is %d otpauth URIs", len(uris))
	case len(uris) == 1:
		text = uris[0]
	}
	key, err := decode(strings.Trim(text, whitespace))
	if err != nil {
		return Seed{}, err
	}
	return policy.seed(key)
}

// seed returns the seed whose bytes are key.
func (p Policy) seed(key []byte) (Seed, error) {
	seed := Seed{creds.NewSecret(string(key))}
	if seed.Bits() < minBits && !p.AllowWeak {
		weak := refuse("make sure that none of it is missing", "seed has %d bits, RFC 4226 requires %d", seed.Bits(), minBits)
		weak.Weak = true
		return Seed{}, weak
	}
	return seed, nil
}

// decode returns the bytes of the seed that text, of whatever kind, spells.
func decode(text string) ([]byte, error) {
	if creds.Quoted(text) {
		return nil, refuse("give it without the quotes", "seed is in quotes")
	}
	if scheme, rest, found := strings.Cut(text, "://"); found {
		return decodeURI(strings.ToLower(scheme), rest)
	}
	if err := mistaken(text); err != nil {
		return nil, err
	}
	inner, wrapped := unwrap(text)
	if !wrapped {
		return decodeBase32(text)
	}
	if _, err := decodeBase32(text); err == nil {
		return nil, refuse("decode the base64 and give the result", "seed can be read as base32 and as base64 of base32")
	}
	return decodeBase32(inner)
}

// mistaken refuses the other values of an MFA device's user, by their looks.
func mistaken(text string) error {
	code := strings.ReplaceAll(strings.ReplaceAll(text, " ", ""), "-", "")
	switch {
	case len(code) == Digits && only(code, decimals):
		return refuse("give the seed that AWS showed when the device was made", "that is a code, not the seed")
	case len(text) == 40 && only(text, base64Set) && (mixesCase(text) || strings.ContainsAny(text, "+/")):
		return refuse("give the seed; one that really has 40 characters is written in one case", "that looks like a secret access key, not the seed")
	case len(text) == 20 && only(text, upper+decimals) && (strings.HasPrefix(text, "AKIA") || strings.HasPrefix(text, "ASIA")):
		return refuse("give the seed", "that looks like an access key id, not the seed")
	}
	return nil
}

// unwrap undoes the base64 that IAM's XML wraps round Base32StringSeed, a blob.
// Text of one case is never taken for it: it may be base32, and the base64 of a
// seed of AWS's always mixes cases. By chance, one text in 2^48 passes.
func unwrap(text string) (inner string, wrapped bool) {
	if !mixesCase(text) {
		return "", false
	}
	joined := strings.Join(strings.Fields(text), "")
	decoded, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(joined, "="))
	inner = string(decoded)
	return inner, err == nil && len(inner) >= 16 && only(inner, base32Set)
}

// decodeBase32 returns the bytes that text spells in the base32 of RFC 4648
// section 6, forgiving what does not change them: case, grouping and padding. What
// a canonical encoder cannot have written is a damaged copy, and refused.
func decodeBase32(text string) ([]byte, error) {
	letters, err := canonical(text)
	if err != nil {
		return nil, err
	}
	switch n := len(letters); {
	case n == 0:
		return nil, refuse("give the seed that AWS shows for the device", "seed is empty")
	case n%8 == 1 || n%8 == 3 || n%8 == 6: // no number of whole bytes has that length
		return nil, refuse(copyAgain, "seed looks cut (%d characters)", n)
	}
	key, err := unpadded().DecodeString(letters)
	if err != nil || unpadded().EncodeToString(key) != letters {
		return nil, refuse(copyAgain, "seed is a corrupt copy (its last character has bits to spare)")
	}
	return key, nil
}

// canonical returns the base32 letters of text alone, in upper case.
func canonical(text string) (string, error) {
	var letters strings.Builder
	letters.Grow(len(text))
	padded := false
	for at, r := range text {
		position := at + 1 // in characters too: all those before r are ASCII
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch {
		case r == '-' || strings.ContainsRune(whitespace, r):
		case r == '=':
			padded = true
		case !strings.ContainsRune(base32Set, r):
			return "", badCharacter(position, text[at:])
		case padded:
			return "", refuse(copyAgain, "seed goes on after its padding (character %d)", position)
		default:
			letters.WriteRune(r)
		}
	}
	return letters.String(), nil
}

// badCharacter refuses the first character of text, which stands at position. One
// that is not ASCII is named by its code: it may be invisible, or a double of a letter.
func badCharacter(position int, text string) error {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r == utf8.RuneError && size == 1:
		return refuse(copyAgain+", as plain text", "character %d of the seed is the byte 0x%02X, not ASCII", position, text[0])
	case r >= utf8.RuneSelf:
		return refuse(copyAgain+", as plain text", "character %d of the seed is %U, not ASCII", position, r)
	}
	remedy := copyAgain
	// RFC 4648 section 3.4: base32 leaves out the digits that look like letters.
	if meant := map[rune]string{'0': "O", '1': "I", '8': "B"}[r]; meant != "" {
		remedy = "perhaps it is the letter " + meant + ", else " + copyAgain
	}
	return refuse(remedy, "character %d of the seed is %q, base32 has only A-Z and 2-7", position, r)
}

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
