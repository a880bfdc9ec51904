package totp

import (
	"encoding/base64"
	"fmt"
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
