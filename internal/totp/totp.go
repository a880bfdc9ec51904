// Package totp computes the one-time codes of RFC 4226 and RFC 6238 as AWS uses them (HMAC-SHA-1, six
// digits, 30 seconds), and reads the seeds that they come from, in every spelling that people paste.
//
// Time is always an argument. A Seed and a code cannot be printed by accident: both hold a creds.Secret.
//
// The warm path parses a seed, so this package imports nothing that Go initializes late (see package
// warm): no net/url, no log/slog.
package totp

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // AWS uses HMAC-SHA-1, which does not rest on collision resistance
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// Period is how long a time step lasts: X of RFC 6238 section 4.1. AWS offers no
// other.
const Period = 30 * time.Second

const seconds = Step(Period / time.Second)

// Step is the number of a time step since 1970: T of RFC 6238 section 4.2, with
// T0 = 0. A device's code for one step is accepted once.
type Step uint64

// lastStep is where Start and End stop growing. It lies some 130 billion years
// ahead; beyond it a time.Time would wrap round, and a damaged step number would
// look like the past.
const lastStep Step = 1 << 57

// StepAt returns the step that t lies in, which is 0 for any t before 1970.
func StepAt(t time.Time) Step { return Step(max(t.Unix(), 0)) / seconds }

// Start returns the first instant of the step, in UTC.
func (s Step) Start() time.Time { return time.Unix(int64(min(s, lastStep)*seconds), 0).UTC() }

// End returns the first instant after the step, in UTC.
func (s Step) End() time.Time { return s.Start().Add(Period) }

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

// Base32 returns the seed as AWS and authenticator apps spell it: RFC 4648
// base32, in upper case, without padding.
func (s Seed) Base32() creds.Secret {
	return creds.NewSecret(unpadded().EncodeToString([]byte(s.key.Reveal())))
}

func unpadded() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// Format implements fmt.Formatter: every verb and flag prints "[redacted]".
func (s Seed) Format(f fmt.State, verb rune) { s.key.Format(f, verb) }

// String implements fmt.Stringer, for what prints without fmt.
func (s Seed) String() string { return s.key.String() }

// MarshalText implements encoding.TextMarshaler, and with it JSON, XML, TOML and
// the handlers of log/slog.
func (s Seed) MarshalText() ([]byte, error) { return s.key.MarshalText() }

// Digits is the length of a code: the default of RFC 4226 section 5.3, and the
// only one AWS accepts.
const Digits = 6

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

// hotp returns the one-time password of RFC 4226 section 5.3 for counter, in
// decimal with leading zeros. RFC 6238 section 1.2 allows other hashes than SHA-1;
// its test vectors use them, AWS does not. At most nine digits make sense.
func hotp(key []byte, counter uint64, digits int, newHash func() hash.Hash) string {
	mac := hmac.New(newHash, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, counter))
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, truncate(mac.Sum(nil))%modulus)
}

// truncate returns the 31 bits of sum that its last four bits point at: the
// dynamic truncation of RFC 4226 section 5.3. The sign bit is cleared, so that
// signed and unsigned arithmetic give the same code.
func truncate(sum []byte) uint32 {
	offset := sum[len(sum)-1] & 0xf
	return binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
}
