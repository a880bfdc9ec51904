package totp

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Migration is what one QR code of Google Authenticator's "Transfer accounts"
// holds: some accounts, and which part of the whole export they are.
type Migration struct {
	Accounts []Account

	// Index counts the codes of one export from 0 to Size-1, and Batch is the same
	// in all of them.
	Index, Size int
	Batch       int32
}

// Account is one entry of an export.
type Account struct {
	// Name and Issuer are as the app shows them. They come from outside, and may
	// hold anything that is UTF-8.
	Name, Issuer string

	Seed    Seed       // zero if there is a Problem
	Problem *SeedError // why AWS cannot use it, or nil
}

// The limits of an export. A QR code holds 2953 bytes, and the app puts ten
// accounts into each.
const (
	maxMigration = 8 << 10 // bytes of the URI
	maxParts     = 100
	maxName      = 256 // bytes
)

const migrationScheme = "otpauth-migration"

// IsMigration reports whether text is an otpauth-migration URI, by its beginning.
func IsMigration(text string) bool {
	scheme, _, found := strings.Cut(strings.Trim(text, whitespace), "://")
	return found && strings.EqualFold(scheme, migrationScheme)
}

// ParseMigration reads one otpauth-migration://offline?data=... URI, see IsMigration. Accounts that
// AWS cannot use are in the result, each with its problem. The error is always a
// *SeedError.
func ParseMigration(text string, policy Policy) (Migration, error) {
	_, rest, _ := strings.Cut(strings.Trim(text, whitespace), "://")
	payload, err := migrationPayload(rest)
	if err != nil {
		return Migration{}, err
	}
	return parsePayload(payload, policy)
}

// migrationPayload returns the protobuf message in the URI otpauth-migration://rest:
// base64, in which a plus sign is no space.
func migrationPayload(rest string) ([]byte, error) {
	if len(rest) > maxMigration {
		return nil, refuse(scanAgain, "export has more than %d bytes", maxMigration)
	}
	_, query, _ := strings.Cut(rest, "?")
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(name, "data") {
			continue
		}
		plain, bad := unescape(value)
		if bad > 0 {
			return nil, refuse(scanAgain, "data of the export has a bad percent escape")
		}
		standard := strings.NewReplacer("-", "+", "_", "/").Replace(plain)
		payload, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(standard, "="))
		if err != nil {
			return nil, refuse(scanAgain, "data of the export is not base64, or is cut")
		}
		return payload, nil
	}
	return nil, refuse(scanAgain, "export has no data parameter")
}

// parsePayload reads the message MigrationPayload:
//
//	1 otp_parameters (repeated), 2 version, 3 batch_size, 4 batch_index, 5 batch_id
func parsePayload(payload []byte, policy Policy) (Migration, error) {
	m := Migration{}
	numbers, whole := map[uint64]uint64{}, true
	read := eachField(payload, func(f field) {
		numbers[f.tag] = f.number
		if f.tag == 1 {
			account, ok := parseAccount(f.bytes, policy)
			whole = whole && ok
			m.Accounts = append(m.Accounts, account)
		}
	})
	size, index := max(numbers[3], 1), numbers[4]
	if !read || !whole || size > maxParts || index >= size {
		return Migration{}, refuse(scanAgain, "data of the export is damaged")
	}
	if len(m.Accounts) == 0 {
		return Migration{}, refuse("choose accounts in the app and export again", "export has no account in it")
	}
	m.Size, m.Index = int(size), int(index) //nolint:gosec // at most maxParts
	m.Batch = int32(numbers[5])             //nolint:gosec // protobuf writes an int32 as 64 bits with its sign
	return m, nil
}

// parseAccount reads the message OtpParameters, whose enumerations have 0 for "not said":
//
//	1 secret, 2 name, 3 issuer, 4 algorithm, 5 digits, 6 type, 7 counter, 8 unique_id
func parseAccount(message []byte, policy Policy) (a Account, ok bool) {
	fields := map[uint64]field{}
	ok = eachField(message, func(f field) { fields[f.tag] = f })
	secret := fields[1].bytes
	a = Account{Name: readable(fields[2].bytes), Issuer: readable(fields[3].bytes)}
	a.Problem = accountProblem(len(secret) > 0, fields[4].number, fields[5].number, fields[6].number)
	if a.Problem == nil {
		seed, err := policy.seed(secret)
		a.Seed = seed
		a.Problem, _ = errors.AsType[*SeedError](err)
	}
	return a, ok
}

func readable(s []byte) string { return strings.ToValidUTF8(string(s[:min(len(s), maxName)]), "") }

// accountProblem says why the codes of an account are none that AWS accepts, or returns nil.
func accountProblem(hasSecret bool, algorithm, digits, kind uint64) *SeedError {
	names := []string{"SHA1", "SHA1", "SHA256", "SHA512", "MD5"}
	switch {
	case kind == 1:
		return refuse("use the account of a time-based device", "account is for hotp, which is counter-based, and AWS needs totp")
	case kind != 2:
		return refuse(otherDevice, "account is neither for totp nor for hotp")
	case algorithm >= uint64(len(names)):
		return refuse(otherDevice, "account has an unknown algorithm, AWS uses SHA1")
	case names[algorithm] != "SHA1":
		return refuse(otherDevice, "account has algorithm %s, AWS uses SHA1", names[algorithm])
	case digits == 2:
		return refuse(otherDevice, "account has codes of 8 digits, AWS uses 6")
	case digits > 2:
		return refuse(otherDevice, "account has codes of an unknown length, AWS uses 6 digits")
	case !hasSecret:
		return refuse(scanAgain, "account has no seed")
	}
	return nil
}

// field is one field of a protobuf message.
type field struct {
	tag    uint64 // the field's number in its message
	bytes  []byte // the value of those that are length-delimited
	number uint64 // the value of those that are varints
}

// eachField calls visit with the fields of message in their order, up to the first
// that is damaged. It reports whether there is none.
// See https://protobuf.dev/programming-guides/encoding.
func eachField(message []byte, visit func(field)) (whole bool) {
	for len(message) > 0 {
		key, n := binary.Uvarint(message)
		if n <= 0 || key>>3 == 0 { // cut, more than 64 bits, or no tag
			return false
		}
		message = message[n:]
		f := field{tag: key >> 3}
		var head int      // bytes of a varint in front of the value
		var length uint64 // of the value itself
		switch key & 7 {  // the wire type; groups, 3 and 4, are no longer written
		case 0:
			f.number, head = binary.Uvarint(message)
		case 1:
			length = 8
		case 2:
			length, head = binary.Uvarint(message)
		case 5:
			length = 4
		default:
			return false
		}
		if isVarint := key&5 == 0; isVarint && head <= 0 || length > uint64(len(message)-head) {
			return false
		}
		end := head + int(length)
		f.bytes, message = message[head:end], message[end:]
		visit(f)
	}
	return true
}

// decodeMigration returns the bytes of the only seed that AWS can use in an export.
// ParseSeed checks its strength.
func decodeMigration(rest string) ([]byte, error) {
	m, err := ParseMigration(migrationScheme+"://"+rest, Policy{AllowWeak: true})
	if err != nil {
		return nil, err
	}
	const onlyThat = "export only the account of the MFA device"
	if m.Size > 1 {
		return nil, refuse(onlyThat, "that is part %d of %d of an export of Google Authenticator", m.Index+1, m.Size)
	}
	usable := slices.DeleteFunc(slices.Clone(m.Accounts), func(a Account) bool { return a.Problem != nil })
	switch {
	case len(usable) == 1:
		return []byte(usable[0].Seed.key.Reveal()), nil
	case len(usable) > 1:
		return nil, refuse(onlyThat, "export of Google Authenticator has %d accounts", len(m.Accounts))
	case len(m.Accounts) == 1:
		return nil, m.Accounts[0].Problem
	}
	return nil, refuse(onlyThat, "none of the %d accounts in the export is one that AWS can use", len(m.Accounts))
}

// CombineMigrations returns the accounts of one export whose QR codes were read in any
// order, some perhaps twice. The *SeedError it may return names the codes that are
// missing, or says that they are not of one export.
func CombineMigrations(parts []Migration) ([]Account, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	const onlyOne = "give the QR codes of one export only"
	size := parts[0].Size
	sorted := make([][]Account, max(size, 0))
	for _, part := range parts {
		if part.Batch != parts[0].Batch || part.Size != size || part.Index < 0 || part.Index >= size {
			return nil, refuse(onlyOne, "these QR codes are not from the same export")
		}
		known := sorted[part.Index]
		if known != nil && !slices.EqualFunc(known, part.Accounts, sameAccount) {
			return nil, refuse(onlyOne, "two different QR codes are both part %d of %d", part.Index+1, size)
		}
		sorted[part.Index] = part.Accounts
	}
	if err := missingParts(sorted); err != nil {
		return nil, err
	}
	return slices.Concat(sorted...), nil
}

func sameAccount(a, b Account) bool {
	return a.Name == b.Name && a.Issuer == b.Issuer && a.Seed.Equal(b.Seed)
}

// missingParts names the parts that have no account: none is without, ParseMigration
// has seen to it.
func missingParts(sorted [][]Account) error {
	var missing []string
	for i, accounts := range sorted {
		if accounts == nil {
			missing = append(missing, fmt.Sprint(i+1))
		}
	}
	const remedy = "give all QR codes of the export together"
	switch n := len(missing); {
	case n == 0:
		return nil
	case n == 1:
		return refuse(remedy, "part %s of %d of the export is missing", missing[0], len(sorted))
	case n > 10:
		return refuse(remedy, "%d of the %d parts of the export are missing", n, len(sorted))
	default:
		return refuse(remedy, "parts %s and %s of %d of the export are missing", strings.Join(missing[:n-1], ", "), missing[n-1], len(sorted))
	}
}

// AWSAccounts returns those of accounts that look like MFA devices of AWS: by an
// issuer or name with "AWS" or "Amazon" in it, or a name that ends in "@" and an
// account id, as the console writes it. They may have problems. When there is not
// exactly one, somebody has to choose.
func AWSAccounts(accounts []Account) []Account {
	return slices.DeleteFunc(slices.Clone(accounts), func(a Account) bool {
		return !mentionsAWS(a.Issuer) && !mentionsAWS(a.Name) && !endsInAccountID(a.Name)
	})
}

func mentionsAWS(s string) bool {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.Contains(words, "aws") || slices.Contains(words, "amazon")
}

// endsInAccountID reports whether s is NAME@123456789012, perhaps with more before.
func endsInAccountID(s string) bool {
	id := s[strings.LastIndexByte(s, '@')+1:] // names may have one, too
	return len(id) == 12 && len(id) < len(s) && only(id, decimals)
}
