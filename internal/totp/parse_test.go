package totp

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// awsKey is as long as AWS's own seeds: 40 bytes, 64 characters of base32.
const awsKey = "canary\x00\xff: forty bytes, as AWS has them\x80."

// secretAccessKey is the example of AWS's documentation.
const secretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

// grouped puts separator after every fourth character of text.
func grouped(text, separator string) string {
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), separator)
}

func TestParseSeedForgives(t *testing.T) {
	t.Parallel()
	const key16, short = "abcdefghijklmnop", "MFRGGZDFMZTWQ2LKNNWG23TPOA" // 128 bits, 26 characters and 6 of padding
	text, forty := b32(awsKey), strings.Repeat("forty", 5)
	wrapped := base64.StdEncoding.EncodeToString([]byte(text))
	for name, test := range map[string]struct{ text, key string }{
		"as AWS shows it":      {text, awsKey},
		"lower case":           {strings.ToLower(text), awsKey},
		"mixed case":           {text[:9] + strings.ToLower(text[9:]), awsKey},
		"groups of four":       {grouped(text, " "), awsKey},
		"groups with dashes":   {grouped(text, "-"), awsKey},
		"groups in lower case": {strings.ToLower(grouped(text, " ")), awsKey},
		"line breaks":          {grouped(text, "\r\n"), awsKey},
		"tabs":                 {grouped(text, "\t"), awsKey},
		"white space around":   {" \t\r\n\v\f" + text + "\n \r\n", awsKey},
		"padding without need": {text + "========", awsKey},
		"padding in groups":    {text + " == ==\n", awsKey},
		"padding missing":      {short, key16},
		"padding exact":        {short + "======", key16},
		"padding too short":    {short + "=", key16},
		"padding too long":     {short + "==========", key16},
		"seed of RFC 6238":     {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", seed20},
		"longer than a block":  {b32(strings.Repeat("long", 30)), strings.Repeat("long", 30)},
		"40 in upper case":     {b32(forty), forty},
		"40 in lower case":     {strings.ToLower(b32(forty)), forty},
		"base64 of base32":     {wrapped, awsKey},
		"base64, no padding":   {strings.TrimRight(wrapped, "="), awsKey},
		"base64, indented":     {"\n    " + grouped(wrapped, "\n    ") + "\n", awsKey},
	} {
		seed, err := ParseSeed(test.text, Policy{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := seed.key.Reveal(); got != test.key {
			t.Errorf("%s: %q, want %q", name, got, test.key)
		}
	}
}

// TestParseSeedPrefersBase32 has base32 that looks like something else.
func TestParseSeedPrefersBase32(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"base64 of AAA... in one case":    strings.Repeat("QUFB", 16),
		"base64 of too little":            strings.Repeat("QkFB", 2),
		"starts as an access key id does": "AKIA" + b32(awsKey)[4:],
	} {
		if got := mustParse(t, text).Base32().Reveal(); got != strings.ToUpper(text) {
			t.Errorf("%s: %s turned into %s", name, text, got)
		}
	}
}

func TestParseSeedRefuses(t *testing.T) {
	t.Parallel()
	text := b32(awsKey)
	wrapped := base64.RawStdEncoding.EncodeToString([]byte(text))
	// with puts s where the character at position, counted from 1, was.
	with := func(position int, s string) string { return text[:position-1] + s + text[position:] }
	for name, test := range map[string]struct{ text, problem, remedy string }{
		"empty":            {"", "seed is empty", "AWS shows"},
		"white space":      {" \t\r\n\v\f", "seed is empty", "AWS shows"},
		"dashes, padding":  {"-- ==", "seed is empty", "AWS shows"},
		"zero":             {with(5, "0"), "character 5 of the seed is '0', base32 has only A-Z and 2-7", "the letter O"},
		"one":              {with(1, "1"), "character 1 of the seed is '1', base32 has only A-Z and 2-7", "the letter I"},
		"eight":            {with(64, "8"), "character 64 of the seed is '8', base32 has only A-Z and 2-7", "the letter B"},
		"nine":             {with(7, "9"), "character 7 of the seed is '9', base32 has only A-Z and 2-7", "copy the whole seed again"},
		"lower-case":       {strings.ToLower(with(5, "0")), "character 5 of the seed is '0'", "the letter O"},
		"trimmed, grouped": {"\n  " + grouped(with(5, "0"), " "), "character 6 of the seed is '0'", "the letter O"},
		"quotes":           {`"` + text + `"`, "seed is in quotes", "without"},
		"apostrophe":       {"'" + text + "'", "seed is in quotes", "without"},
		"NUL":              {with(3, "\x00"), `character 3 of the seed is '\x00'`, "copy"},
		"escape sequence":  {with(3, "\x1b"), `character 3 of the seed is '\x1b'`, "copy"},

		"zero-width space": {with(9, "\u200b"), "character 9 of the seed is U+200B, not ASCII", "as plain text"},
		"byte order mark":  {"\ufeff" + text, "character 1 of the seed is U+FEFF, not ASCII", "as plain text"},
		"no-break space":   {text + "\u00a0", "character 65 of the seed is U+00A0, not ASCII", "as plain text"},
		"right-to-left":    {"\u202e" + text, "character 1 of the seed is U+202E, not ASCII", "as plain text"},
		"full-width digit": {with(9, "\uff12"), "character 9 of the seed is U+FF12, not ASCII", "as plain text"},
		"Arabic digit":     {with(9, "\u0662"), "character 9 of the seed is U+0662, not ASCII", "as plain text"},
		"Cyrillic A":       {with(9, "\u0410"), "character 9 of the seed is U+0410, not ASCII", "as plain text"},
		"Kelvin sign":      {with(9, "\u212a"), "character 9 of the seed is U+212A, not ASCII", "as plain text"},
		"dash":             {with(9, "\u2013"), "character 9 of the seed is U+2013, not ASCII", "as plain text"},
		"beyond 16 bits":   {with(9, "\U0001F511"), "character 9 of the seed is U+1F511, not ASCII", "as plain text"},
		"after another":    {with(9, "\u00e4\u200b"), "character 9 of the seed is U+00E4, not ASCII", "as plain text"},
		"not UTF-8":        {with(9, "\xff"), "character 9 of the seed is the byte 0xFF, not ASCII", "as plain text"},
		"replacement":      {with(9, "\ufffd"), "character 9 of the seed is U+FFFD, not ASCII", "as plain text"},

		"1 mod 8":             {text[:33], "seed looks cut (33 characters)", "copy the whole seed again"},
		"3 mod 8":             {text[:35], "seed looks cut (35 characters)", "copy the whole seed again"},
		"6 mod 8":             {text[:38], "seed looks cut (38 characters)", "copy the whole seed again"},
		"cut, grouped":        {grouped(text[:33], "-"), "seed looks cut (33 characters)", "copy"},
		"cut to one":          {"A", "seed looks cut (1 characters)", "copy"},
		"2 mod 8, spare bits": {strings.Repeat("A", 33) + "B", "seed is a corrupt copy (its last character has bits to spare)", "copy"},
		"4 mod 8, spare bits": {strings.Repeat("A", 35) + "I", "seed is a corrupt copy", "copy"},
		"5 mod 8, spare bits": {strings.Repeat("A", 36) + "B", "seed is a corrupt copy", "copy"},
		"7 mod 8, spare bits": {strings.Repeat("A", 38) + "E", "seed is a corrupt copy", "copy"},
		"after the padding":   {text[:32] + "==" + text[32:], "seed goes on after its padding (character 35)", "copy"},
		"padding in front":    {"=" + text, "seed goes on after its padding (character 2)", "copy"},

		"code":              {"123456", "that is a code, not the seed", "give the seed"},
		"code in base32":    {"234567", "that is a code, not the seed", "give the seed"},
		"code in two":       {" 012 345\n", "that is a code, not the seed", "give the seed"},
		"code with a dash":  {"987-654", "that is a code, not the seed", "give the seed"},
		"secret access key": {secretAccessKey, "that looks like a secret access key, not the seed", "one case"},
		"without / and +":   {strings.ReplaceAll(secretAccessKey, "/", "2"), "that looks like a secret access key", "one case"},
		"in one case, +":    {strings.ToUpper(strings.ReplaceAll(secretAccessKey, "/", "+")), "that looks like a secret access key", "one case"},
		"access key id":     {"AKIAIOSFODNN7EXAMPLE", "that looks like an access key id", "give the seed"},
		"session's key id":  {"ASIAIOSFODNN7EXAMPLE", "that looks like an access key id", "give the seed"},

		"both base32 and base64": {strings.Repeat("QkFB", 16), "seed can be read as base32 and as base64 of base32", "decode the base64"},
		"base64, cut inside":     {base64.StdEncoding.EncodeToString([]byte(text[:33])), "seed looks cut (33 characters)", "copy"},
		"base64 of other things": {base64.StdEncoding.EncodeToString([]byte(awsKey)), "character", "copy"},
		"base64, spare bits":     {wrapped[:len(wrapped)-1] + string(wrapped[len(wrapped)-1]+1), "character", "copy"},
		"base64, lower inside":   {base64.StdEncoding.EncodeToString([]byte(strings.ToLower(text))), "character", "copy"},
	} {
		checkRefused(t, name, test.text, test.problem, test.remedy)
	}
}

// checkRefused checks that ParseSeed refuses text with a problem that begins with,
// and a remedy that contains, what is given; weak or not.
func checkRefused(t *testing.T, name, text, problem, remedy string) {
	t.Helper()
	for _, policy := range []Policy{{}, {AllowWeak: true}} {
		seed, err := ParseSeed(text, policy)
		bad, ok := errors.AsType[*SeedError](err)
		if !ok || !seed.IsZero() {
			t.Errorf("%s: got a seed: %v, error %v", name, !seed.IsZero(), err)
			return
		}
		if !strings.HasPrefix(bad.Problem, problem) || !strings.Contains(bad.Remedy, remedy) || bad.Weak {
			t.Errorf("%s: got  %v\nwant %s...; ...%s...", name, bad, problem, remedy)
		}
		if bad.Error() != bad.Problem+"; "+bad.Remedy {
			t.Errorf("%s: Error() = %q", name, bad.Error())
		}
		if repeats(bad.Error(), b32(awsKey)) || repeats(bad.Error(), secretAccessKey) {
			t.Errorf("%s: %q shows a part of the secret", name, bad.Error())
		}
	}
}

// repeats reports whether message has four characters of secret, in either case.
func repeats(message, secret string) bool {
	for at := range len(secret) - 3 {
		part := secret[at : at+4]
		if strings.Contains(message, part) || strings.Contains(message, strings.ToLower(part)) {
			return true
		}
	}
	return false
}

func TestParseSeedRefusesWeakSeeds(t *testing.T) {
	t.Parallel()
	for size, problem := range map[int]string{
		1:  "seed has 8 bits, RFC 4226 requires 128",
		10: "seed has 80 bits, RFC 4226 requires 128",
		15: "seed has 120 bits, RFC 4226 requires 128",
		16: "",
	} {
		text := b32(strings.Repeat("k", size))
		for _, spelling := range []string{text, strings.ToLower(text), "otpauth://totp/x?secret=" + text} {
			_, err := ParseSeed(spelling, Policy{})
			bad, ok := errors.AsType[*SeedError](err)
			if ok != (problem != "") || ok && (bad.Problem != problem || !bad.Weak || bad.Remedy == "") {
				t.Errorf("%d bytes: %v", size, err)
			}
			if _, err := ParseSeed(spelling, Policy{AllowWeak: true}); err != nil {
				t.Errorf("%d bytes, allowed: %v", size, err)
			}
		}
	}
}
