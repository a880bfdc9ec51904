package sandbox

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA-1 is what RFC 4226 defines and what AWS's devices use
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// stepLength is the time step X of RFC 6238 as AWS uses it.
const stepLength = 30 * time.Second

// reach is how many steps from the current one a code outside the window is
// still recognised, so that State can tell a late code from a wrong one, and
// how late a pair may come and still enable a device (out of sync).
const reach = 10

// Code returns the six-digit code of a base32 seed at t (RFC 6238). It is
// written here a second time on purpose; see the package comment.
func Code(seed string, t time.Time) (string, error) {
	key, err := decodeSeed(seed)
	if err != nil {
		return "", err
	}
	return hotp(key, stepAt(t)), nil
}

// decodeSeed returns the bytes of a base32 seed without padding. Its error does
// not repeat the seed.
func decodeSeed(seed string) ([]byte, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "="))
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("a seed of %d characters is not base32", len(seed))
	}
	return key, nil
}

// hotp is RFC 4226 section 5.3 with six digits.
func hotp(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash never fails to write
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}

// stepAt returns the time step T of RFC 6238 section 4.2, with T0 = 0.
func stepAt(t time.Time) int64 {
	return t.Unix() / int64(stepLength/time.Second)
}

// findStep returns the step nearest to now, within reach, whose code is code.
func findStep(key []byte, code string, now int64) (step int64, found bool) {
	for distance := int64(0); distance <= reach; distance++ {
		for _, candidate := range []int64{now - distance, now + distance} {
			if hmac.Equal([]byte(hotp(key, candidate)), []byte(code)) {
				return candidate, true
			}
		}
	}
	return 0, false
}
