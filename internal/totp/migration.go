package totp

import (
	"encoding/base64"
	"net/url"
	"strings"
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

// IsMigration reports whether text is an otpauth-migration URI, by its beginning.
func IsMigration(text string) bool {
	scheme, _, found := strings.Cut(strings.Trim(text, whitespace), "://")
	return found && strings.EqualFold(scheme, migrationScheme)
}

const migrationScheme = "otpauth-migration"

// ParseMigration reads one otpauth-migration://offline?data=... URI. Accounts that
// AWS cannot use are in the result, each with its problem. The error is always a
// *SeedError.
func ParseMigration(text string, policy Policy) (Migration, error) {
	_, rest, _ := strings.Cut(strings.Trim(text, whitespace), "://")
	if !IsMigration(text) {
		return Migration{}, refuse("scan the QR code of the export again", "that is not an export of Google Authenticator")
	}
	payload, err := migrationPayload(rest)
	if err != nil {
		return Migration{}, err
	}
	return parsePayload(payload, policy)
}

const scanAgain = "scan its QR code again"

// migrationPayload returns the protobuf message in the URI otpauth-migration://rest:
// base64, in which a plus sign is no space.
func migrationPayload(rest string) (string, error) {
	if len(rest) > maxMigration {
		return "", refuse(scanAgain, "export has more than %d bytes", maxMigration)
	}
	_, query, _ := strings.Cut(rest, "?")
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(name, "data") {
			continue
		}
		plain, err := url.PathUnescape(value)
		if err != nil {
			return "", refuse(scanAgain, "data of the export has a bad percent escape")
		}
		standard := strings.NewReplacer("-", "+", "_", "/").Replace(plain)
		payload, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(standard, "="))
		if err != nil {
			return "", refuse(scanAgain, "data of the export is not base64, or is cut")
		}
		return string(payload), nil
	}
	return "", refuse(scanAgain, "export has no data parameter")
}

// decodeMigration returns the bytes of the only seed that AWS can use in an export.
// ParseSeed checks its strength.
func decodeMigration(rest string) ([]byte, error) {
	m, err := ParseMigration(migrationScheme+"://"+rest, Policy{AllowWeak: true})
	if err != nil {
		return nil, err
	}
	if m.Size > 1 {
		return nil, refuse("export only the account of the MFA device", "that is part %d of %d of an export of Google Authenticator", m.Index+1, m.Size)
	}
	var usable []Account
	for _, account := range m.Accounts {
		if account.Problem == nil {
			usable = append(usable, account)
		}
	}
	switch {
	case len(usable) == 1:
		return []byte(usable[0].Seed.key.Reveal()), nil
	case len(usable) > 1:
		return nil, refuse("export only the account of the MFA device", "export of Google Authenticator has %d accounts", len(m.Accounts))
	case len(m.Accounts) == 1:
		return nil, m.Accounts[0].Problem
	}
	return nil, refuse("export the account of the MFA device", "none of the %d accounts in the export is one that AWS can use", len(m.Accounts))
}
