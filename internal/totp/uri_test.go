package totp

import (
	"net/url"
	"strings"
	"testing"
)

func TestURIIsWhatAppsExpect(t *testing.T) {
	t.Parallel()
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for name, test := range map[string]struct{ label, issuer, want string }{
		"plain":        {"bob@123456789012", "AWS", "otpauth://totp/AWS:bob%40123456789012?secret=" + secret + "&issuer=AWS"},
		"no issuer":    {"bob", "", "otpauth://totp/bob?secret=" + secret},
		"spaces":       {"bob smith", "Amazon Web Services", "otpauth://totp/Amazon%20Web%20Services:bob%20smith?secret=" + secret + "&issuer=Amazon%20Web%20Services"},
		"delimiters":   {"a/b?c&d=e#f+g%h:i", "", "otpauth://totp/a%2Fb%3Fc%26d%3De%23f%2Bg%25h%3Ai?secret=" + secret},
		"not ASCII":    {"J\u00f6rg", "", "otpauth://totp/J%C3%B6rg?secret=" + secret},
		"line break":   {"a\nb", "", "otpauth://totp/a%0Ab?secret=" + secret},
		"nothing":      {"", "", "otpauth://totp/?secret=" + secret},
		"own question": {"x?secret=AAAA", "y&secret=BBBB", "otpauth://totp/y%26secret%3DBBBB:x%3Fsecret%3DAAAA?secret=" + secret + "&issuer=y%26secret%3DBBBB"},
	} {
		seed := mustParse(t, secret)
		uri := seed.URI(test.label, test.issuer).Reveal()
		if uri != test.want {
			t.Errorf("%s: got  %s\nwant %s", name, uri, test.want)
		}
		if back, err := ParseSeed(uri, Policy{}); err != nil || !back.Equal(seed) {
			t.Errorf("%s: does not come back: %v", name, err)
		}
		checkURL(t, name, uri, test.label, test.issuer)
	}
}

// checkURL checks that a reader that knows URLs, not ours, finds label and issuer.
func checkURL(t *testing.T, name, uri, label, issuer string) {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	path := "/" + label
	if issuer != "" {
		path = "/" + issuer + ":" + label
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != path || u.Query().Get("issuer") != issuer {
		t.Errorf("%s: read as %q", name, u)
	}
}

func TestParseSeedReadsURIs(t *testing.T) {
	t.Parallel()
	text := b32(awsKey)
	for name, uri := range map[string]string{
		"as AWS writes it":     "otpauth://totp/device@bob?secret=" + text,
		"everything said":      "otpauth://totp/AWS:bob?secret=" + text + "&issuer=AWS&algorithm=SHA1&digits=6&period=30",
		"secret last":          "otpauth://totp/AWS:bob?period=30&digits=6&algorithm=SHA1&issuer=AWS&secret=" + text,
		"names in capitals":    "OTPAUTH://TOTP/bob?SECRET=" + text + "&Algorithm=sha1&DIGITS=6",
		"sha-1":                "otpauth://totp/bob?secret=" + text + "&algorithm=SHA-1",
		"HmacSHA1":             "otpauth://totp/bob?secret=" + text + "&algorithm=HmacSHA1",
		"no label":             "otpauth://totp/?secret=" + text,
		"no slash":             "otpauth://totp?secret=" + text,
		"label with slashes":   "otpauth://totp/a/b/c?secret=" + text,
		"label with a hash":    "otpauth://totp/AWS #1:bob?secret=" + text,
		"label not ASCII":      "otpauth://totp/J\u00f6rg\u200b?secret=" + text,
		"label escaped":        "otpauth://totp/Amazon%20Web%20Services:arn%3Aaws%3Aiam%3A%3A1%3Amfa/b?secret=" + text,
		"lower case":           "otpauth://totp/bob?secret=" + strings.ToLower(text),
		"grouped":              "otpauth://totp/bob?secret=" + grouped(text, "%20"),
		"grouped, form":        "otpauth://totp/bob?secret=" + grouped(text, "+"),
		"padding":              "otpauth://totp/bob?secret=" + text + "%3D%3D&digits=6",
		"padding, raw":         "otpauth://totp/bob?secret=" + text + "==&digits=6",
		"letters escaped":      "otpauth://totp/bob?s%65cret=%4d" + text[1:],
		"white space around":   "\n otpauth://totp/bob?secret=" + text + "\r\n",
		"parameters of others": "otpauth://totp/bob?image=https%3A%2F%2Fexample.com%2Fi.png&counter=7&secret=" + text + "&lock",
		"copied out of HTML":   "otpauth://totp/bob?issuer=AWS&amp;secret=" + text + "&amp;digits=6",
		"empty parameters":     "otpauth://totp/bob?&&secret=" + text + "&",
		"entry of pass":        "hunter2\nuser: bob\notpauth://totp/AWS:bob?secret=" + text + "&issuer=AWS\nurl: https://example.com\n",
		"pass, secret last":    "hunter2\r\n\r\notpauth://totp/AWS:bob?secret=" + text + "\r\nnotes of mine\r\n",
		"entry of gopass":      "hunter2\n---\ntotp: otpauth://totp/AWS:bob?secret=" + text + "\n",
		"with a comment":       "# alice's phone\notpauth://totp/bob?secret=" + text + "\n",
		"twice the same":       "otpauth://totp/bob?secret=" + text + "\notpauth://totp/bob?secret=" + text + "\n",
	} {
		seed, err := ParseSeed(uri, Policy{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := seed.key.Reveal(); got != awsKey {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestParseSeedRefusesURIs(t *testing.T) {
	t.Parallel()
	text := b32(awsKey)
	base := "otpauth://totp/bob?secret=" + text
	for name, test := range map[string]struct{ uri, problem, remedy string }{
		"hotp":             {"otpauth://hotp/bob?secret=" + text + "&counter=1", "otpauth URI is for hotp, which is counter-based, and AWS needs totp", "time-based"},
		"HOTP":             {"otpauth://HOTP/bob?secret=" + text, "otpauth URI is for hotp", "time-based"},
		"another type":     {"otpauth://steam/bob?secret=" + text, "otpauth URI is neither for totp nor for hotp", "copy"},
		"no type":          {"otpauth://?secret=" + text, "otpauth URI is neither for totp nor for hotp", "copy"},
		"nothing":          {"otpauth://", "otpauth URI is neither for totp nor for hotp", "copy"},
		"SHA256":           {base + "&algorithm=SHA256", "otpauth URI asks for algorithm=SHA256, AWS uses SHA1", "enroll"},
		"sha-512":          {base + "&algorithm=sha-512", "otpauth URI asks for algorithm=SHA512, AWS uses SHA1", "enroll"},
		"another hash":     {base + "&algorithm=" + text, "otpauth URI asks for algorithm=(something else), AWS uses SHA1", "enroll"},
		"no algorithm":     {base + "&algorithm=", "otpauth URI asks for algorithm=, AWS uses SHA1", "enroll"},
		"8 digits":         {base + "&digits=8", "otpauth URI asks for digits=8, AWS uses 6", "enroll"},
		"8 digits in HTML": {base + "&amp;Digits=8", "otpauth URI asks for digits=8, AWS uses 6", "enroll"},
		"8 digits, second": {base + "&digits=6&digits=8", "otpauth URI asks for digits=8, AWS uses 6", "enroll"},
		"period 60":        {base + "&period=60", "otpauth URI asks for period=60, AWS uses 30", "enroll"},
		"period first":     {"otpauth://totp/bob?period=60&secret=" + text, "otpauth URI asks for period=60, AWS uses 30", "enroll"},
		"period -30":       {base + "&period=-30", "otpauth URI asks for period=(something else), AWS uses 30", "enroll"},

		"no secret":         {"otpauth://totp/bob?issuer=AWS", "otpauth URI has no secret parameter", "copy"},
		"no parameters":     {"otpauth://totp/" + text, "otpauth URI has no secret parameter", "copy"},
		"secret twice":      {base + "&secret=" + b32(seed20), "otpauth URI has more than one secret parameter", "copy"},
		"same secret twice": {base + "&Secret=" + text, "otpauth URI has more than one secret parameter", "copy"},
		"secret empty":      {"otpauth://totp/bob?secret=&issuer=AWS", "seed is empty", "AWS"},
		"secret cut":        {"otpauth://totp/bob?secret=" + text[:33], "seed looks cut (33 characters)", "copy"},
		"secret spoilt":     {"otpauth://totp/bob?secret=" + text[:4] + "0" + text[5:], "character 5 of the seed is '0'", "letter O"},
		"secret not ASCII":  {"otpauth://totp/bob?secret=" + text[:4] + "%E2%80%8B", "character 5 of the seed is U+200B", "plain"},
		"secret with hash":  {base + "#fragment", "character 65 of the seed is '#'", "copy"},

		"escape in secret":   {"otpauth://totp/bob?secret=" + text[:4] + "%4", "otpauth URI has a bad percent escape at character 31", "copy"},
		"escape in label":    {"otpauth://totp/100%?secret=" + text, "otpauth URI has a bad percent escape at character 19", "copy"},
		"escape in a name":   {"otpauth://totp/bob?%zz=1&secret=" + text, "otpauth URI has a bad percent escape at character 20", "copy"},
		"escape after runes": {"otpauth://totp/\u00e4%g0?secret=" + text, "otpauth URI has a bad percent escape at character 17", "copy"},
		"escape, half rune":  {"otpauth://totp/%\u00e4?secret=" + text, "otpauth URI has a bad percent escape at character 16", "copy"},
		"escape of escape":   {"otpauth://totp/%25%?secret=" + text, "otpauth URI has a bad percent escape at character 19", "copy"},

		"migration":        {"otpauth-migration://offline?data=CiEKFGNhbmFyeQ%3D%3D", "data of the export is damaged", "scan"},
		"Migration":        {"OTPAuth-Migration://offline?data=" + text, "data of the export is damaged", "scan"},
		"another URI":      {"https://example.com/?secret=" + text, "that is a URI, but not an otpauth URI", "otpauth://totp"},
		"invisible prefix": {"\u200b" + base, "character 1 is U+200B, not ASCII, in the otpauth URI", "plain text"},
		"in quotes":        {`"` + base + `"`, "seed is in quotes", "without"},
		"in two lines":     {base[:len(base)-9] + "\n" + base[len(base)-9:], "otpauth URI seems to go on in the next line", "one line"},
		"cut in the path":  {base[:12] + "\n" + base[12:], "otpauth URI is neither for totp nor for hotp", "copy"},
		"two of them":      {base + "\n" + base + "&issuer=x", "that is 2 otpauth URIs", "the one"},
	} {
		checkRefused(t, name, test.uri, test.problem, test.remedy)
	}
}
