package totp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The samples that other decoders publish with what they hold.
const (
	exampleExport = "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbRoHRXhhbXBsZTAC"
	piExport      = "otpauth-migration://offline?data=CjUKEPqlBekzoNEukL7qlsjBCDYSDnBpQHJhc3BiZXJyeXBpGgtyYXNwYmVycnlwaSABKAEwAhABGAEgACjr4JKK%2B%2F%2F%2F%2F%2F8B"
	noIssuer      = "otpauth-migration://offline?data=CigKEPqlBekzoNEukL7qlsjBCDYSDnBpQHJhc3BiZXJyeXBpIAEoATACEAEYASAAKLzjp5n4%2F%2F%2F%2F%2FwE%3D"
	piSeed        = "7KSQL2JTUDIS5EF65KLMRQIIGY"
)

func TestMigrationSamples(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, name, issuer, seed string }{
		"example":       {exampleExport, "Example:alice@google.com", "Example", "JBSWY3DPEHPK3PXP"},
		"Raspberry Pi":  {piExport, "pi@raspberrypi", "raspberrypi", piSeed},
		"no issuer":     {noIssuer, "pi@raspberrypi", "", piSeed},
		"white space":   {" \n" + piExport + "\r\n", "pi@raspberrypi", "raspberrypi", piSeed},
		"upper case":    {strings.Replace(piExport, "otpauth-migration", "OTPAUTH-Migration", 1), "pi@raspberrypi", "raspberrypi", piSeed},
		"slash":         {strings.Replace(piExport, "offline?", "offline/?", 1), "pi@raspberrypi", "raspberrypi", piSeed},
		"second":        {strings.Replace(piExport, "?", "?x=1&", 1), "pi@raspberrypi", "raspberrypi", piSeed},
		"raw plus":      {strings.NewReplacer("%2B", "+", "%2F", "/").Replace(piExport), "pi@raspberrypi", "raspberrypi", piSeed},
		"URL-safe":      {strings.NewReplacer("%2B", "-", "%2F", "_").Replace(piExport), "pi@raspberrypi", "raspberrypi", piSeed},
		"no padding":    {strings.TrimSuffix(noIssuer, "%3D"), "pi@raspberrypi", "", piSeed},
		"plain padding": {strings.Replace(noIssuer, "%3D", "=", 1), "pi@raspberrypi", "", piSeed},
	} {
		m, err := ParseMigration(test.text, Policy{AllowWeak: true})
		if err != nil || len(m.Accounts) != 1 || m.Size != 1 || m.Index != 0 {
			t.Errorf("%s: %d accounts, part %d of %d, %v", name, len(m.Accounts), m.Index, m.Size, err)
			continue
		}
		a := m.Accounts[0]
		if a.Name != test.name || a.Issuer != test.issuer || a.Problem != nil || a.Seed.Base32().Reveal() != test.seed {
			t.Errorf("%s: %q, %q, seed %s, %v", name, a.Name, a.Issuer, a.Seed.Base32().Reveal(), a.Problem)
		}
		if !IsMigration(test.text) {
			t.Errorf("%s: IsMigration is false", name)
		}
	}
	if m, err := ParseMigration(piExport, Policy{}); err != nil || m.Batch != -1320898453 {
		t.Errorf("batch %d, %v", m.Batch, err)
	}
}

// account is one in the text form of protobuf.
func account(secret, name, issuer, rest string) string {
	return fmt.Sprintf("otp_parameters { secret: %q name: %q issuer: %q %s }\n", secret, name, issuer, rest)
}

// totpAccount is as the app writes it.
func totpAccount(secret, name, issuer string) string {
	return account(secret, name, issuer, `algorithm: SHA1 digits: SIX type: TOTP unique_id: "f739de"`)
}

// export returns the URI of a payload that protoc encodes from its text form.
func export(t *testing.T, text string) string {
	t.Helper()
	return "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString(protoc(t, text)))
}

func protoc(t *testing.T, text string) []byte {
	t.Helper()
	path, err := exec.LookPath("protoc")
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal("protoc is missing: apt install protobuf-compiler, or brew install protobuf")
	default:
		t.Skip("SKIPPED, exports are not compared: apt install protobuf-compiler, or brew install protobuf")
	}
	command := exec.Command(path, "--encode=MigrationPayload", "testdata/migration.proto")
	command.Stdin, command.Stderr = strings.NewReader(text), os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustMigrate(t *testing.T, text string) Migration {
	t.Helper()
	m, err := ParseMigration(text, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMigrationSaysWhatAWSCannotUse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, problem string }{
		"as the app has it": {totpAccount(awsKey, "n", "i"), ""},
		"nothing said":      {account(awsKey, "n", "i", "type: TOTP"), ""},
		"counter-based":     {account(awsKey, "n", "i", "algorithm: SHA1 digits: SIX type: HOTP counter: 7"), "account is for hotp, which is counter-based, and AWS needs totp"},
		"no type":           {account(awsKey, "n", "i", "algorithm: SHA1 digits: SIX"), "account is neither for totp nor for hotp"},
		"SHA256":            {account(awsKey, "n", "i", "algorithm: SHA256 type: TOTP"), "account has algorithm SHA256, AWS uses SHA1"},
		"SHA512":            {account(awsKey, "n", "i", "algorithm: SHA512 type: TOTP"), "account has algorithm SHA512, AWS uses SHA1"},
		"MD5":               {account(awsKey, "n", "i", "algorithm: MD5 type: TOTP"), "account has algorithm MD5, AWS uses SHA1"},
		"new algorithm":     {account(awsKey, "n", "i", "algorithm: 5 type: TOTP"), "account has an unknown algorithm, AWS uses SHA1"},
		"negative":          {account(awsKey, "n", "i", "algorithm: -1 type: TOTP"), "account has an unknown algorithm, AWS uses SHA1"},
		"8 digits":          {account(awsKey, "n", "i", "digits: EIGHT type: TOTP"), "account has codes of 8 digits, AWS uses 6"},
		"new digits":        {account(awsKey, "n", "i", "digits: 3 type: TOTP"), "account has codes of an unknown length, AWS uses 6 digits"},
		"no seed":           {account("", "n", "i", "type: TOTP"), "account has no seed"},
		"weak":              {account("0123456789", "n", "i", "type: TOTP"), "seed has 80 bits, RFC 4226 requires 128"},
	} {
		m := mustMigrate(t, export(t, test.text))
		a := m.Accounts[0]
		if a.Name != "n" || a.Issuer != "i" {
			t.Errorf("%s: name %q, issuer %q", name, a.Name, a.Issuer)
		}
		if test.problem == "" {
			if a.Problem != nil || a.Seed.key.Reveal() != awsKey {
				t.Errorf("%s: problem %v", name, a.Problem)
			}
			continue
		}
		if a.Problem == nil || a.Problem.Problem != test.problem || a.Problem.Weak != (name == "weak") || !a.Seed.IsZero() {
			t.Errorf("%s: problem %v, seed %v", name, a.Problem, !a.Seed.IsZero())
		}
	}
}

// TestMigrationSkipsWhatIsNew has fields of every wire type that are not known, and
// an account of 200 characters in two alphabets.
func TestMigrationSkipsWhatIsNew(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("J\u00f6rg", 50)
	text := "later_fixed64: 7 later_fixed32: 7 later_string: 'x' later_varint: -7\n" + totpAccount(awsKey, long, "AWS") + "version: 2 batch_size: 2 batch_index: 1 batch_id: -5"
	m := mustMigrate(t, export(t, text))
	if m.Size != 2 || m.Index != 1 || m.Batch != -5 || len(m.Accounts) != 1 {
		t.Fatalf("part %d of %d, batch %d, %d accounts", m.Index, m.Size, m.Batch, len(m.Accounts))
	}
	if m.Accounts[0].Name != long || m.Accounts[0].Seed.key.Reveal() != awsKey {
		t.Errorf("account %q", m.Accounts[0].Name)
	}
}

func TestMigrationRefuses(t *testing.T) {
	t.Parallel()
	data := func(payload string) string {
		return "otpauth-migration://offline?data=" + base64.RawURLEncoding.EncodeToString([]byte(payload))
	}
	for name, test := range map[string]struct{ text, problem string }{
		"nothing":         {"", "export has no data parameter"},
		"no data":         {"otpauth-migration://offline?dat=CiEKFGNhbmFyeQ", "export has no data parameter"},
		"no query":        {"otpauth-migration://offline", "export has no data parameter"},
		"bad escape":      {piExport + "%2", "data of the export has a bad percent escape"},
		"space":           {strings.Replace(piExport, "%2B", " ", 1), "data of the export is not base64, or is cut"},
		"escaped space":   {strings.Replace(piExport, "%2B", "%20", 1), "data of the export is not base64, or is cut"},
		"cut letter":      {exampleExport[:len(exampleExport)-7], "data of the export is not base64, or is cut"},
		"cut payload":     {exampleExport[:len(exampleExport)-4], "data of the export is damaged"},
		"empty data":      {"otpauth-migration://offline?data=", "export has no account in it"},
		"no account":      {data("\x10\x01\x18\x01"), "export has no account in it"},
		"field 0":         {data("\x00\x01"), "data of the export is damaged"},
		"group":           {data("\x0b\x0c"), "data of the export is damaged"},
		"long varint":     {data("\x10" + strings.Repeat("\xff", 11)), "data of the export is damaged"},
		"cut varint":      {data("\x10\xff"), "data of the export is damaged"},
		"cut fixed":       {data("\x11\x01\x02"), "data of the export is damaged"},
		"huge length":     {data("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"), "data of the export is damaged"},
		"damaged account": {data("\x0a\x02\x0a\x05"), "data of the export is damaged"},
		"beyond the end":  {data("\x0a\x02\x30\x02\x18\x02\x20\x02"), "data of the export is damaged"},
		"too many parts":  {data("\x0a\x02\x30\x02\x18\x65"), "data of the export is damaged"},
		"too long":        {data(strings.Repeat("\x10\x01", 4000)), "export has more than 8192 bytes"},
	} {
		m, err := ParseMigration(test.text, Policy{AllowWeak: true})
		if bad, ok := errors.AsType[*SeedError](err); !ok || bad.Problem != test.problem || bad.Remedy == "" || m.Accounts != nil {
			t.Errorf("%s: %d accounts, %v, want %s", name, len(m.Accounts), err, test.problem)
		}
	}
}

// part is one QR code of an export with one account in each.
func part(t *testing.T, index, size, batch int) Migration {
	t.Helper()
	key := fmt.Sprintf("%d%s", index, awsKey)
	return mustMigrate(t, export(t, totpAccount(key, fmt.Sprint(index), "")+fmt.Sprintf("version: 1 batch_size: %d batch_index: %d batch_id: %d", size, index, batch)))
}

func TestCombineMigrations(t *testing.T) {
	t.Parallel()
	const batch = -77
	first, second, third := part(t, 0, 3, batch), part(t, 1, 3, batch), part(t, 2, 3, batch)
	for name, test := range map[string]struct {
		parts   []Migration
		problem string
	}{
		"in order":       {[]Migration{first, second, third}, ""},
		"any order":      {[]Migration{third, first, second}, ""},
		"scanned twice":  {[]Migration{first, third, first, second, third}, ""},
		"one missing":    {[]Migration{third, first}, "part 2 of 3 of the export is missing"},
		"two missing":    {[]Migration{second}, "parts 1 and 3 of 3 of the export are missing"},
		"three missing":  {[]Migration{part(t, 1, 4, batch)}, "parts 1, 3 and 4 of 4 of the export are missing"},
		"many missing":   {[]Migration{part(t, 1, 99, batch)}, "98 of the 99 parts of the export are missing"},
		"nothing parsed": {[]Migration{{}}, "these QR codes are not from the same export"},
		"other batch":    {[]Migration{first, second, part(t, 2, 3, 5)}, "these QR codes are not from the same export"},
		"other size":     {[]Migration{first, second, part(t, 2, 4, batch)}, "these QR codes are not from the same export"},
		"other content":  {[]Migration{first, second, {Accounts: first.Accounts, Index: 1, Size: 3, Batch: batch}}, "two different QR codes are both part 2 of 3"},
	} {
		accounts, err := CombineMigrations(test.parts)
		if test.problem != "" {
			if bad, ok := errors.AsType[*SeedError](err); !ok || bad.Problem != test.problem || bad.Remedy == "" || accounts != nil {
				t.Errorf("%s: %v, want %s", name, err, test.problem)
			}
			continue
		}
		var names string
		for _, a := range accounts {
			names += a.Name
		}
		if err != nil || names != "012" {
			t.Errorf("%s: accounts %s, %v", name, names, err)
		}
	}
}

func TestAWSAccounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, issuer string
		want         bool
	}{
		{"Amazon Web Services:bob@123456789012", "Amazon Web Services", true},
		{"bob", "Amazon Web Services", true},
		{"Amazon Web Services:root-account-mfa-device@123456789012", "", true},
		{"bob@123456789012", "", true},
		{"work:bob@123456789012", "", true},
		{"bob@example.com@123456789012", "", true},
		{"bob@123456789012@example.com", "", false},
		{"aws-prod", "", true},
		{"bob", "AWS", true},
		{"bob", "amazon", true},
		{"bob@example.com", "Laws & Sons", false},
		{"bob@12345678901", "", false},
		{"bob@1234567890123", "", false},
		{"123456789012", "", false},
		{"bob@example.com", "Google", false},
		{"", "", false},
	} {
		other := Account{Name: "alice", Issuer: "GitHub"}
		found := AWSAccounts([]Account{other, {Name: test.name, Issuer: test.issuer}, other})
		if got := len(found) == 1 && found[0].Name == test.name; got != test.want || len(found) > 1 {
			t.Errorf("%q of %q: %v", test.name, test.issuer, found)
		}
	}
}

func TestParseSeedOfAnExport(t *testing.T) {
	t.Parallel()
	hotp := account(awsKey, "b", "", "type: HOTP")
	const otherKey = "another key of more than 20 bytes"
	for name, test := range map[string]struct{ text, want, problem string }{
		"one":               {totpAccount(awsKey, "a", ""), b32(awsKey), ""},
		"one that fits":     {hotp + totpAccount(awsKey, "a", "") + hotp, b32(awsKey), ""},
		"counter-based":     {hotp, "", "account is for hotp, which is counter-based, and AWS needs totp"},
		"none that fits":    {hotp + hotp, "", "none of the 2 accounts in the export is one that AWS can use"},
		"two":               {totpAccount(awsKey, "a", "") + totpAccount(otherKey, "b", "") + hotp, "", "export of Google Authenticator has 3 accounts"},
		"weak":              {totpAccount("0123456789", "a", ""), "", "seed has 80 bits, RFC 4226 requires 128"},
		"part of an export": {totpAccount(awsKey, "a", "") + "batch_size: 2 batch_index: 1", "", "that is part 2 of 2 of an export of Google Authenticator"},
	} {
		seed, err := ParseSeed(export(t, test.text), Policy{})
		if test.problem == "" {
			if err != nil || seed.Base32().Reveal() != test.want {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if bad, ok := errors.AsType[*SeedError](err); !ok || bad.Problem != test.problem || bad.Weak != (name == "weak") || !seed.IsZero() {
			t.Errorf("%s: %v, want %s", name, err, test.problem)
		}
	}
}

func TestMigrationRedacts(t *testing.T) {
	t.Parallel()
	m := mustMigrate(t, piExport)
	key := m.Accounts[0].Seed.key.Reveal()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text := fmt.Sprintf(format, m) + fmt.Sprintf(format, &m.Accounts[0])
		if repeats(text, piSeed) || strings.Contains(text, key) || strings.Contains(text, fmt.Sprintf("%x", key)) {
			t.Errorf("%s shows the seed: %s", format, text)
		}
	}
}

// FuzzParseMigration: no payload, however damaged, does more than give accounts that
// can be used or say why not.
func FuzzParseMigration(f *testing.F) {
	for _, text := range []string{exampleExport, piExport, noIssuer} {
		_, data, _ := strings.Cut(text, "data=")
		plain, _ := url.PathUnescape(data)
		payload, _ := base64.StdEncoding.DecodeString(plain)
		f.Add(payload)
	}
	f.Add([]byte("\x0a\x02\x30\x01\x18\x02\x20\x01\x28\x05\x52\x01x\x0b"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		text := "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString(payload))
		if seed, err := ParseSeed(text, Policy{}); err != nil {
			checkError(t, seed, err)
		}
		m, err := ParseMigration(text, Policy{})
		if err != nil {
			checkError(t, Seed{}, err)
			return
		}
		if len(m.Accounts) == 0 || m.Index < 0 || m.Index >= m.Size {
			t.Fatalf("%d accounts, part %d of %d", len(m.Accounts), m.Index, m.Size)
		}
		for _, a := range m.Accounts {
			if a.Problem != nil {
				checkError(t, a.Seed, a.Problem)
			} else if a.Seed.Bits() < minBits {
				t.Fatalf("accepted with %d bits", a.Seed.Bits())
			}
		}
		if accounts, err := CombineMigrations([]Migration{m, m}); (err == nil) != (m.Size == 1) || err == nil && len(accounts) != len(m.Accounts) {
			t.Fatalf("combined: %d accounts, %v", len(accounts), err)
		}
	})
}
