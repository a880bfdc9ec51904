package totp

import (
	"strings"
	"unicode/utf8"
)

// decodeBase32 returns the bytes that text spells in the base32 of RFC 4648
// section 6, forgiving what does not change them: case, grouping and padding. What
// a canonical encoder cannot have written is a spoilt copy, and refused.
func decodeBase32(text string) ([]byte, error) {
	letters, err := canonical(text)
	if err != nil {
		return nil, err
	}
	switch n := len(letters); {
	case n == 0:
		return nil, refuse("give the seed that AWS shows for the device", "seed is empty")
	case n%8 == 1 || n%8 == 3 || n%8 == 6: // no number of whole bytes has that length
		return nil, refuse(copyAgain, "seed looks cut (%d characters)", n)
	}
	key, err := unpadded().DecodeString(letters)
	if err != nil || unpadded().EncodeToString(key) != letters {
		return nil, refuse(copyAgain, "seed is a corrupt copy (its last character has bits to spare)")
	}
	return key, nil
}

// canonical returns the base32 letters of text alone, in upper case.
func canonical(text string) (string, error) {
	var letters strings.Builder
	letters.Grow(len(text))
	padded := false
	for at, r := range text {
		position := at + 1 // in characters too: all those before r are ASCII
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch {
		case r == '-' || strings.ContainsRune(whitespace, r):
		case r == '=':
			padded = true
		case !strings.ContainsRune(base32Set, r):
			return "", badCharacter(position, text[at:])
		case padded:
			return "", refuse(copyAgain, "seed goes on after its padding (character %d)", position)
		default:
			letters.WriteRune(r)
		}
	}
	return letters.String(), nil
}

// badCharacter refuses the first character of text, which stands at position. One
// that is not ASCII is named by its code: it may be invisible, or a double of a letter.
func badCharacter(position int, text string) error {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r == utf8.RuneError && size == 1:
		return refuse(copyAgain+", as plain text", "character %d of the seed is the byte 0x%02X, not ASCII", position, text[0])
	case r >= utf8.RuneSelf:
		return refuse(copyAgain+", as plain text", "character %d of the seed is %U, not ASCII", position, r)
	}
	return refuse(remedyFor(r), "character %d of the seed is %q, base32 has only A-Z and 2-7", position, r)
}

// remedyFor suggests the letter that r is easily mistaken for: RFC 4648 section 3.4
// gives that as a reason to leave digits out.
func remedyFor(r rune) string {
	meant := map[rune]string{'0': "O", '1': "I", '8': "B"}[r]
	if meant == "" {
		return copyAgain
	}
	return "perhaps it is the letter " + meant + ", else " + copyAgain
}
