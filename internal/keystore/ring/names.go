package ring

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxFileName is the longest name of an item as a file, in bytes: file systems take 255, and the
// ending and what a temporary name adds have to fit as well.
const maxFileName = 180

// newMark is between the name of an item and what makes the name of its draft unique, see pass.go.
// No item has it in its file name: there a '~' is before a hash only.
const newMark = "~new~"

// fileName returns the name of an item for keyrings that tell upper case from lower no more than
// file systems of macOS and Windows do, or whose names are paths: two names never become the
// same, whatever folds their case, and none is a path. What is not a lower-case letter, a
// digit or one of ":@_-." inside is written as %xx; a name that gets too long is cut, and told
// from others by its hash.
func fileName(name string) string {
	const kept, hexDigits = "abcdefghijklmnopqrstuvwxyz0123456789:@_-.", "0123456789abcdef"
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; strings.IndexByte(kept, c) >= 0 && (i > 0 || c != '.' && c != '-') {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	if b.Len() <= maxFileName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(name))
	return b.String()[:maxFileName-1-2*len(sum)] + "~" + hex.EncodeToString(sum[:])
}
