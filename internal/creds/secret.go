// Package creds holds the values that all other packages pass around: secrets that cannot be printed by
// accident, credentials, and the JSON that a credential process prints.
package creds

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// redacted is all that any formatting of a Secret shows. It tells neither the
// length nor whether there is a value, because both help an attacker.
const redacted = "[redacted]"

// Secret is a string that must not be seen: a seed, a secret access key, a
// session token, a token code, a passphrase. It prints as "[redacted]" with every
// verb of fmt, in JSON, in text encodings and in log/slog. The zero value is
// the empty secret. Reveal is the only way to its value.
type Secret struct {
	// The value hides behind a pointer to a string, because fmt does not call methods
	// on unexported fields of other structs: it walks them by reflection. It
	// prints such a pointer as an address at every depth, while it would follow one to a struct.
	value *string
}

// NewSecret returns a Secret with the value text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the value in clear. Every call of it is a place to audit.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal reports whether both secrets have the same value, in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// Format implements fmt.Formatter: every verb and flag prints "[redacted]".
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// MarshalText implements encoding.TextMarshaler, and with it JSON (values and
// map keys), XML, TOML and the handlers of log/slog.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Text returns data from outside as UTF-8, without what the program that wrote it put around: a byte
// order mark, UTF-16 (which PowerShell writes, and cmd /u without a mark), line ends and other ASCII
// white space. Every text that becomes a seed, an access key, a serial, a code or an age identity comes
// through here. All else stays, for its parser to accept or to refuse by its code; see Foreign.
func Text(data []byte) string {
	text := string(data)
	if order := utf16Order(data); order != nil {
		runes := make([]rune, len(data)/2)
		for i := range runes { // pairs of surrogates, which no secret has, become U+FFFD: package utf16 is initialized late
			runes[i] = rune(order.Uint16(data[2*i:]))
		}
		text = string(runes)
	}
	return strings.Trim(strings.TrimPrefix(text, "\ufeff"), " \t\r\n\v\f")
}

// utf16Order returns the order of the bytes of UTF-16 text, or nil if data is none. Without a byte order
// mark, only ASCII is recognized: no text of ours holds NUL.
func utf16Order(data []byte) binary.ByteOrder {
	if len(data) < 2 || len(data)%2 != 0 {
		return nil
	}
	var high [2]byte // the bits of all bytes at even and at odd places
	for i, b := range data {
		high[i%2] |= b
	}
	switch mark := string(data[:2]); {
	case mark == "\xff\xfe", high[0] != 0 && high[1] == 0:
		return binary.LittleEndian
	case mark == "\xfe\xff", high[0] == 0 && high[1] != 0:
		return binary.BigEndian
	}
	return nil
}

// Foreign names the first character of text that is not visible ASCII, by its code: it may be
// invisible, or look like another. It returns "" if there is none, and shows nothing else of text.
func Foreign(text string) string {
	position := 0
	for at, r := range text {
		position++
		switch {
		case r == utf8.RuneError && text[at] != "\ufffd"[0]:
			return fmt.Sprintf("character %d is the byte 0x%02X, not ASCII", position, text[at])
		case r >= utf8.RuneSelf:
			return fmt.Sprintf("character %d is %U, not ASCII", position, r)
		case r <= ' ' || r == 0x7f:
			return fmt.Sprintf("character %d is white space or a control character (%U)", position, r)
		}
	}
	return ""
}

// Quoted reports whether text stands in quotes, as docker --env-file and copied JSON have it.
func Quoted(text string) bool {
	last := len(text) - 1
	return last > 0 && text[0] == text[last] && strings.ContainsRune("\"'`", rune(text[0]))
}
