package totp

import (
	"encoding/base64"
	"strings"

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

// Policy says how strict ParseSeed is beyond what AWS demands. The zero Policy is
// the strict one.
type Policy struct {
	// AllowWeak accepts a seed of fewer than the 128 bits that RFC 4226 section 4
	// requires.
	AllowWeak bool
}

// ParseSeed reads a seed as people paste it: base32 in either case, with spaces,
// dashes, line breaks and any padding; an otpauth://totp/ URI; the base64 of base32
// in which the XML of IAM's CreateVirtualMFADevice has it; or an export of Google
// Authenticator with one account, while ParseMigration is for others. It refuses
// whatever AWS cannot use or a bad copy has spoiled, always with a *SeedError.
func ParseSeed(text string, policy Policy) (Seed, error) {
	key, err := decode(strings.Trim(text, whitespace))
	if err != nil {
		return Seed{}, err
	}
	seed := Seed{creds.NewSecret(string(key))}
	if seed.Bits() < minBits && !policy.AllowWeak {
		weak := refuse("make sure that none of it is missing", "seed has %d bits, RFC 4226 requires %d", seed.Bits(), minBits)
		weak.Weak = true
		return Seed{}, weak
	}
	return seed, nil
}

// decode returns the bytes of the seed that text, of whatever kind, spells.
func decode(text string) ([]byte, error) {
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

func only(s, alphabet string) bool { return strings.Trim(s, alphabet) == "" }

func mixesCase(s string) bool { return strings.ContainsAny(s, lower) && strings.ContainsAny(s, upper) }
