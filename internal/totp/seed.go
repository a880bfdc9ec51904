package totp

import (
	"crypto/fips140"
	"crypto/sha1" //nolint:gosec // AWS uses HMAC-SHA-1, which does not rest on collision resistance
	"encoding/base32"
	"fmt"
	"log/slog"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// The strength of a seed, in bits: requirement R6 of RFC 4226 section 4 says that
// it must have 128, and recommends 160.
const (
	minBits         = 128
	recommendedBits = 160
)

// Seed is the shared secret of an MFA device. ParseSeed makes one; the zero Seed
// is invalid and has no codes. Like the creds.Secret it holds, it shows as
// "[redacted]" however it is formatted, marshalled or logged.
type Seed struct {
	key creds.Secret // the bytes themselves, not their base32
}

// IsZero reports whether the seed is the invalid zero Seed.
func (s Seed) IsZero() bool { return s.key.IsZero() }

// Equal reports whether both seeds give the same codes because they are the same
// bytes, in constant time. Two zero seeds are equal.
func (s Seed) Equal(other Seed) bool { return s.key.Equal(other.key) }

// Bits returns the length of the seed in bits.
func (s Seed) Bits() int { return 8 * len(s.key.Reveal()) }

// Weak reports whether the seed is shorter than the 160 bits that RFC 4226
// recommends. It works nevertheless, and deserves a warning.
func (s Seed) Weak() bool { return s.Bits() < recommendedBits }

// Code returns the token code of step: six digits. That of the zero Seed is the
// empty secret.
func (s Seed) Code(step Step) creds.Secret {
	if s.IsZero() {
		return creds.Secret{}
	}
	var code string
	// AWS prescribes SHA-1, which Go refuses under GODEBUG=fips140=only.
	fips140.WithoutEnforcement(func() {
		code = hotp([]byte(s.key.Reveal()), uint64(step), Digits, sha1.New)
	})
	return creds.NewSecret(code)
}

// Base32 returns the seed as AWS and authenticator apps spell it: RFC 4648
// base32, in upper case, without padding.
func (s Seed) Base32() creds.Secret {
	return creds.NewSecret(unpadded().EncodeToString([]byte(s.key.Reveal())))
}

func unpadded() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// Format implements fmt.Formatter: every verb and flag prints "[redacted]".
func (s Seed) Format(f fmt.State, verb rune) { s.key.Format(f, verb) }

// String implements fmt.Stringer.
func (s Seed) String() string { return s.key.String() }

// GoString implements fmt.GoStringer.
func (s Seed) GoString() string { return s.key.GoString() }

// MarshalText implements encoding.TextMarshaler, and with it JSON, XML and TOML.
func (s Seed) MarshalText() ([]byte, error) { return s.key.MarshalText() }

// LogValue implements slog.LogValuer.
func (s Seed) LogValue() slog.Value { return s.key.LogValue() }
