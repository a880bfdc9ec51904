package totp

import (
	"errors"
	"strings"
	"testing"
)

// spellings are where the fuzzers begin.
func spellings() []string {
	text := b32(awsKey)
	return []string{
		"", "=", "-", "0", "123456", "\xff", "\u200b", text, strings.ToLower(text), grouped(text, "-"), text + "==", text[:33], text[:34],
		strings.Repeat("QUFB", 16), strings.Repeat("QkFB", 16), "TU5RVzRZTFNQRUFQNk9SQU1aWFhFNURa", "AKIAIOSFODNN7EXAMPLE", secretAccessKey,
		"otpauth://totp/AWS:bob?secret=" + text + "&issuer=AWS&algorithm=SHA1&digits=6&period=30", "otpauth://hotp/?", "otpauth://totp?secret=%4",
		"otpauth-migration://offline?data=", "otpauth://totp/?digits=8", "otpauth://totp/?algorithm=SHA256&amp;secret=", "https://",
	}
}

// FuzzParseSeed: whatever is parsed comes back from each spelling we write, and
// whatever is refused is not repeated.
func FuzzParseSeed(f *testing.F) {
	for _, text := range spellings() {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, allowWeak bool) {
		policy := Policy{AllowWeak: allowWeak}
		seed, err := ParseSeed(text, policy)
		if err != nil {
			checkError(t, seed, err)
			if len(text) > 24 && strings.Contains(err.Error(), text) {
				t.Fatalf("%q repeats the text", err)
			}
			return
		}
		if seed.IsZero() || !allowWeak && seed.Bits() < minBits {
			t.Fatalf("accepted with %d bits", seed.Bits())
		}
		for _, spelling := range []string{seed.Base32().Reveal(), seed.URI("bob@123456789012", "AWS").Reveal(), seed.URI(text, text).Reveal()} {
			// An access key id and a base32 seed of 100 bits cannot be told apart.
			if seed.Bits() < minBits && mistaken(spelling) != nil {
				continue
			}
			if back, err := ParseSeed(spelling, policy); err != nil || !back.Equal(seed) {
				t.Fatalf("does not come back from its own spelling: %v", err)
			}
		}
	})
}

// FuzzErrorsKeepTheSeed puts a canary into what is refused, and looks for any
// part of it in the error.
func FuzzErrorsKeepTheSeed(f *testing.F) {
	const canary = "ZQXJ7KVWZ5GQXUJ2KZWVQ4XJ3ZKQ"
	for _, text := range spellings() {
		f.Add(text, "")
		f.Add("otpauth://totp/x?digits=8&algorithm=", text)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		seed, err := ParseSeed(before+canary+after, Policy{})
		if err == nil {
			return
		}
		checkError(t, seed, err)
		if repeats(err.Error(), canary) {
			t.Fatalf("%q shows a part of the canary", err)
		}
	})
}

// checkError checks what every refusal has: the type, two parts, one short ASCII line.
func checkError(t *testing.T, seed Seed, err error) {
	t.Helper()
	bad, ok := errors.AsType[*SeedError](err)
	if !ok || !seed.IsZero() || bad.Problem == "" || bad.Remedy == "" {
		t.Fatalf("refused with %T %q", err, err)
	}
	if len(bad.Error()) > 200 || strings.ContainsFunc(bad.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Fatalf("not one short line of ASCII: %q", bad.Error())
	}
}

func FuzzCode(f *testing.F) {
	f.Add([]byte(seed20), uint64(0))
	f.Add([]byte(seed64), ^uint64(0))
	f.Add([]byte{0}, uint64(8446743359))
	f.Fuzz(func(t *testing.T, key []byte, step uint64) {
		if len(key) == 0 {
			return
		}
		code := mustParse(t, "otpauth://totp/?secret="+b32(string(key))).Code(Step(step)).Reveal()
		if len(code) != Digits || !only(code, decimals) {
			t.Fatalf("code %q", code)
		}
	})
}
