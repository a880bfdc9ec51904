package totp

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// CombineMigrations returns the accounts of one export whose QR codes were read in any
// order, some perhaps twice. The *SeedError it may return names the codes that are
// missing, or says that they are not of one export.
func CombineMigrations(parts []Migration) ([]Account, error) {
	if len(parts) == 0 {
		return nil, refuse("export the accounts in Google Authenticator", "no QR code of an export was given")
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
	var found []Account
	for _, account := range accounts {
		if mentionsAWS(account.Issuer) || mentionsAWS(account.Name) || endsInAccountID(account.Name) {
			found = append(found, account)
		}
	}
	return found
}

func mentionsAWS(s string) bool {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.Contains(words, "aws") || slices.Contains(words, "amazon")
}

// endsInAccountID reports whether s is NAME@123456789012, perhaps with more before.
func endsInAccountID(s string) bool {
	_, id, found := strings.Cut(s, "@")
	return found && len(id) == 12 && only(id, decimals)
}
