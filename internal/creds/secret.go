// Package creds holds the values that all other packages pass around: secrets that cannot be printed by
// accident, credentials, and the JSON that a credential process prints.
package creds

import (
	"crypto/subtle"
	"fmt"
	"io"
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
