package qr

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// packed returns the bytes that groups of binary digits make, zeros behind them.
func packed(digits string) []byte {
	digits = strings.ReplaceAll(digits, " ", "")
	list := make([]byte, (len(digits)+7)/8)
	for i, digit := range digits {
		list[i/8] |= byte(digit-'0') << (7 - i%8)
	}
	return list
}

// TestParse has segments that no program at hand makes, and some that are wrong.
func TestParse(t *testing.T) {
	t.Parallel()
	const a, b = "01000001", "01000010"
	for name, test := range map[string]struct {
		bits    string
		version int
		want    string
		ok      bool
	}{
		"nothing":                       {"", 1, "", true},
		"end":                           {"0000 11101100", 1, "", true},
		"three bits are no mode":        {"0001 0000000010 1100011 111", 1, "99", true},
		"text after the end":            {"0000 0100 00000001 " + a, 1, "", true},
		"two segments":                  {"0100 00000001 " + a + " 0001 0000000001 0111 0000", 1, "A7", true},
		"digits, one, two and three":    {"0001 0000000001 0111 0001 0000000010 1100011 0001 0000000011 1111100111 0000", 1, "799999", true},
		"digits keep zeros":             {"0001 0000000110 0000000000 0000000111", 1, "000007", true},
		"digits of 1000":                {"0001 0000000011 1111101000", 1, "", false},
		"digits of 100, where two are":  {"0001 0000000010 1100100", 1, "", false},
		"digit of ten":                  {"0001 0000000001 1010", 1, "", false},
		"count of version 10":           {"0001 000000000001 0111", 10, "7", true},
		"count of version 26":           {"0001 000000000001 0111", 26, "7", true},
		"count of version 27":           {"0001 00000000000001 0111", 27, "7", true},
		"letters":                       {"0010 000000011 00111001101 001100", 1, "ABC", true},
		"letters, version 26":           {"0010 00000000001 101100", 26, ":", true},
		"letters, version 27":           {"0010 0000000000001 101100", 27, ":", true},
		"letters, the last pair":        {"0010 000000010 11111101000", 1, "::", true},
		"letters beyond the last pair":  {"0010 000000010 11111101001", 1, "", false},
		"letter beyond the last":        {"0010 000000001 101101", 1, "", false},
		"bytes, version 10":             {"0100 0000000000000001 " + a, 10, "A", true},
		"bytes cut off":                 {"0100 00000010 " + a, 1, "", false},
		"count cut off":                 {"0100 0000", 1, "", false},
		"letters cut off":               {"0010 111111111 00111001101", 1, "", false},
		"digits cut off":                {"0001 1111111111 0000000000", 1, "", false},
		"no character set":              {"0100 00000010 11000011 10100100", 1, "\u00e4", true},
		"UTF-8":                         {"0111 00011010 0100 00000010 11000011 10100100", 1, "\u00e4", true},
		"ISO 8859-1":                    {"0111 00000011 0100 00000010 11000011 10100100", 1, "\u00c3\u00a4", true},
		"ISO 8859-1, by its old number": {"0111 00000001 0100 00000001 11100100", 1, "\u00e4", true},
		"ISO 8859-1, then UTF-8":        {"0111 00000011 0100 00000001 11100100 0111 00011010 0100 00000010 11000011 10100100", 1, "\u00e4\u00e4", true},
		"binary, number in two bytes":   {"0111 10000011 10000011 0100 00000001 11100100", 1, "\xe4", true},
		"UTF-8, number in three bytes":  {"0111 11000000 00000000 00011010 0100 00000010 11000011 10100100", 1, "\u00e4", true},
		"number beyond two bytes":       {"0111 11000001 00000000 00011010 0100 00000001 " + a, 1, "", false},
		"number in four bytes":          {"0111 11100000 00000000 00011010 0100 00000001 " + a, 1, "", false},
		"number cut off":                {"0111 10000000", 1, "", false},
		"Windows-1252, ASCII of it":     {"0111 00010110 0100 00000001 " + a, 1, "A", true},
		"Windows-1252, more than ASCII": {"0111 00010110 0100 00000001 11100100", 1, "", false},
		"UTF-16":                        {"0111 00011001 0100 00000010 " + a + b, 1, "", false},
		"set of a later number":         {"0111 00100001 0100 00000001 " + a, 1, "", false},
		"FNC1 in the first position":    {"0101 0100 00000001 " + a, 1, "A", true},
		"FNC1 in the second position":   {"1001 00100101 0100 00000001 " + a, 1, "A", true},
		"FNC1, letters: %% and %":       {"0101 0010 000000100 11011010100 11010110101 0000", 1, "%\x1d7", true},
		"no FNC1, letters: %% and %":    {"0010 000000100 11011010100 11010110101 0000", 1, "%%%7", true},
		"Kanji":                         {"1000 00000001 0000000000001", 1, "", false},
		"part of a text":                {"0011 0000 0001 00000000 0100 00000001 " + a, 1, "", false},
		"Hanzi":                         {"1101 0001 00000001 0000000000001", 1, "", false},
		"known, then unknown":           {"0100 00000001 " + a + " 1111", 1, "", false},
	} {
		if got, ok := parse(packed(test.bits), test.version); got != test.want || ok != test.ok {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

// TestDecodeZint reads what zint makes of character sets, GS1, and masks.
func TestDecodeZint(t *testing.T) {
	t.Parallel()
	zint := need(t, "zint", "zint")
	for name, test := range map[string]struct {
		args string
		want string
	}{
		"UTF-8":             {"--eci=26 -d J\u00f6rg\u65e5\u672c", "J\u00f6rg\u65e5\u672c"},
		"ISO 8859-1":        {"--eci=3 -d J\u00f6rg", "J\u00f6rg"},
		"ISO 8859-15 ASCII": {"--eci=17 -d Joerg", "Joerg"},
		"binary":            {"--eci=899 --binary -d J\u00f6rg", "J\u00f6rg"},
		"GS1":               {"--gs1 -d [01]09501101530003[10]AB%12[21]7", "010950110153000310AB%12\x1d217"},
		"mixed modes":       {"-d otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=000000000030", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=000000000030"},
		"Kanji":             {"--fullmultibyte -d \u70b9\u8317\u70b9\u8317", ""},
		"part of a text":    {"--structapp=1,2 -d otpauth://totp/x", ""},
	} {
		for mask := range 8 {
			args := append(strings.Fields(test.args), "-b", "QRCODE", "--direct", "--filetype=PNG", "--quietzones", fmt.Sprint("--mask=", mask), fmt.Sprint("--secure=", 1+mask%4))
			texts, err := Decode(output(t, nil, zint, args...))
			if got := strings.Join(reveal(texts), "|"); got != test.want || (err != nil) != (test.want == "") {
				t.Errorf("%s, mask %d: %q, %v", name, mask, got, err)
			}
		}
	}
}

// FuzzParse: data of any kind are a text of a bounded length, or refused.
func FuzzParse(f *testing.F) {
	for _, version := range []uint8{1, 10, 40} {
		f.Add(packed("0100 00000001 01111000 0000"), version)
		f.Add(packed("0111 00000011 0101 0010 000000100 11011010100 11010110101 0001 0000000011 1111100111"), version)
		f.Add(slices.Repeat([]byte{0x20, 0x10}, 30), version)
	}
	f.Fuzz(func(t *testing.T, data []byte, version uint8) {
		text, ok := parse(data, int(version%maxVersion)+1)
		if len(text) > 3*len(data) || !ok && text != "" {
			t.Fatalf("%d bytes are %q, %v", len(data), text, ok)
		}
	})
}
