package agefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// itemVersion is the version of the form of an item.
const itemVersion = 1

// content is what is encrypted of an item. The name is in it so that a file that was renamed, or
// put in another's place, is noticed.
type content struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	Secret  string `json:"secret"`
}

var (
	errNotAge  = errors.New("not an age file, or a damaged one")
	errNoMatch = errors.New("no identity opens it")
	errDamaged = errors.New("damaged")
	errNewer   = errors.New("of a newer version")
	errForeign = errors.New("another item's")
)

// encrypt returns an item as a file for the recipients.
func encrypt(name string, value creds.Secret, recipients []age.Recipient) ([]byte, error) {
	plain, err := encode(name, value)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return seal(plain, recipients...)
}

// seal encrypts plain.
func seal(plain []byte, to ...age.Recipient) ([]byte, error) {
	var file bytes.Buffer
	w, err := age.Encrypt(&file, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// unseal decrypts an age file, armored or not. The error is one of those above, or what a
// plugin said, a *fault.Error: age's own may quote the file.
func unseal(file []byte, identities ...age.Identity) ([]byte, error) {
	plain, err := decrypt(file, slices.Clone(identities)...) // age sorts them
	if err == nil {
		return plain, nil
	}
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return nil, told
	}
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, errNoMatch
	}
	if !hasHeader(file) {
		return nil, errNotAge
	}
	return nil, errDamaged
}

func decrypt(file []byte, identities ...age.Identity) ([]byte, error) {
	var src io.Reader = bytes.NewReader(file)
	if bytes.HasPrefix(file, []byte(armor.Header)) {
		src = armor.NewReader(src)
	}
	r, err := age.Decrypt(src, identities...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxFile))
}

// hasHeader reports whether a file begins as age files do, which shows without a key.
func hasHeader(file []byte) bool {
	var seen headerSeen
	_, _ = decrypt(file, &seen)
	return bool(seen)
}

// headerSeen is an identity that opens nothing. It is true once a header was there to be opened.
type headerSeen bool

// Unwrap implements age.Identity.
func (h *headerSeen) Unwrap([]*age.Stanza) ([]byte, error) {
	*h = true
	return nil, age.ErrIncorrectIdentity
}

func encode(name string, value creds.Secret) ([]byte, error) {
	secret := value.Reveal()
	if len(secret) > MaxItem || !utf8.ValidString(secret) {
		return nil, fault.New(fault.Usage, "the secret", "", "has to be at most %d bytes of UTF-8", MaxItem)
	}
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)                                               // people read it, too
	if err := e.Encode(content{itemVersion, name, secret}); err != nil { //nolint:gosec // it is encrypted right away
		return nil, err
	}
	return plain.Bytes(), nil
}

// decode returns the secret in plain, which has to be that of the item name, or of any if it
// is "". The error is one of those above.
func decode(plain []byte, name string) (string, creds.Secret, error) {
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return "", creds.Secret{}, errDamaged // err might quote the secret
	}
	switch {
	case c.Version > itemVersion:
		return "", creds.Secret{}, errNewer
	case c.Version != itemVersion, checkName(c.Name) != nil, len(c.Secret) > MaxItem:
		return "", creds.Secret{}, errDamaged
	case name != "" && c.Name != name:
		return "", creds.Secret{}, errForeign
	}
	return c.Name, creds.NewSecret(c.Secret), nil
}
