package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"testing"
)

// The ASCII seeds of RFC 6238 Appendix B: its text names only the first, its
// reference code has one for each hash. The first is RFC 4226's as well.
const (
	seed20 = "12345678901234567890"
	seed32 = seed20 + "123456789012"
	seed64 = seed20 + seed20 + seed20 + "1234"
)

// TestHOTP is the tables of RFC 4226 Appendix D.
func TestHOTP(t *testing.T) {
	t.Parallel()
	for counter, want := range []struct {
		hmac      string
		truncated uint32
		code      string
	}{
		{"cc93cf18508d94934c64b65d8ba7667fb7cde4b0", 1284755224, "755224"},
		{"75a48a19d4cbe100644e8ac1397eea747a2d33ab", 1094287082, "287082"},
		{"0bacb7fa082fef30782211938bc1c5e70416ff44", 137359152, "359152"},
		{"66c28227d03a2d5529262ff016a1e6ef76557ece", 1726969429, "969429"},
		{"a904c900a64b35909874b33e61c5938a8e15ed1c", 1640338314, "338314"},
		{"a37e783d7b7233c083d4f62926c7a25f238d0316", 868254676, "254676"},
		{"bc9cd28561042c83f219324d3c607256c03272ae", 1918287922, "287922"},
		{"a4fb960c0bc06e1eabb804e5b397cdc4b45596fa", 82162583, "162583"},
		{"1b3c89f65e6c9e883012052823443f048b4332db", 673399871, "399871"},
		{"1637409809a679dc698207310c8c7fc07290d9e5", 645520489, "520489"},
	} {
		mac := hmac.New(sha1.New, []byte(seed20))
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(counter)))
		sum := mac.Sum(nil)
		if got := hex.EncodeToString(sum); got != want.hmac {
			t.Errorf("count %d: HMAC-SHA-1 %s, want %s", counter, got, want.hmac)
		}
		if got := truncate(sum); got != want.truncated {
			t.Errorf("count %d: truncated to %d, want %d", counter, got, want.truncated)
		}
		if got := hotp([]byte(seed20), uint64(counter), 6, sha1.New); got != want.code {
			t.Errorf("count %d: code %s, want %s", counter, got, want.code)
		}
	}
}

// TestTOTP is the table of RFC 6238 Appendix B.
func TestTOTP(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		unix                 uint64
		step                 uint64
		sha1, sha256, sha512 string
	}{
		{59, 0x1, "94287082", "46119246", "90693936"},
		{1111111109, 0x23523EC, "07081804", "68084774", "25091201"},
		{1111111111, 0x23523ED, "14050471", "67062674", "99943326"},
		{1234567890, 0x273EF07, "89005924", "91819424", "93441116"},
		{2000000000, 0x3F940AA, "69279037", "90698825", "38618901"},
		{20000000000, 0x27BC86AA, "65353130", "77737706", "47863826"},
	} {
		for _, test := range []struct {
			key  string
			hash func() hash.Hash
			want string
		}{{seed20, sha1.New, row.sha1}, {seed32, sha256.New, row.sha256}, {seed64, sha512.New, row.sha512}} {
			if got := hotp([]byte(test.key), row.step, 8, test.hash); got != test.want {
				t.Errorf("second %d, %d-byte seed: code %s, want %s", row.unix, len(test.key), got, test.want)
			}
		}
		if got := uint64(StepAt(unix(row.unix))); got != row.step {
			t.Errorf("second %d: step %X, want %X", row.unix, got, row.step)
		}
		if got := mustParse(t, b32(seed20)).Code(StepAt(unix(row.unix))).Reveal(); got != row.sha1[2:] {
			t.Errorf("second %d: Code = %s, want %s", row.unix, got, row.sha1[2:])
		}
	}
}
