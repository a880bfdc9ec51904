package agefile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const (
	itemSuffix = ".age"
	badSuffix  = ".bad" // after itemSuffix

	maxName = 1024 // of an item, in bytes; the longest ARN of an MFA device has about 800
	maxSlug = 48
)

// fileName returns the file of the item name: what of it is plain, for people, and a digest, which
// keeps names apart that differ in case or in the rest. It is a valid name on every
// file system: short, lower case, no separator, no device of Windows, and none of our other files'.
func fileName(name string) string {
	digest := sha256.Sum256([]byte(name))
	return slug(name) + "-" + hex.EncodeToString(digest[:10]) + itemSuffix
}

func slug(name string) string {
	var plain strings.Builder
	for _, r := range strings.ToLower(name) {
		if plain.Len() == maxSlug {
			break
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			plain.WriteRune(r)
		} else if text := plain.String(); text != "" && !strings.HasSuffix(text, "-") {
			plain.WriteByte('-')
		}
	}
	if plain.Len() == 0 {
		return "item" // a name that begins with a dash is taken for an option
	}
	return strings.TrimSuffix(plain.String(), "-")
}

// isItem reports whether file has the form of an item's name.
func isItem(file string) bool {
	return strings.HasSuffix(file, itemSuffix) && file != sealedFile
}

// checkName refuses names that no item can have.
func checkName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fault.New(fault.Usage, "the name of the item", "", "has to be 1 to %d bytes of UTF-8", maxName)
	}
	return nil
}
