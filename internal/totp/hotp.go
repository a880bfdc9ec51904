package totp

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"hash"
)

// Digits is the length of a code: the default of RFC 4226 section 5.3, and the
// only one AWS accepts.
const Digits = 6

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
