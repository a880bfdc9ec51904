package agefile

import (
	"bytes"
	"crypto/fips140"
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

// problem is what is wrong with an encrypted file, for people. It shows nothing of the content.
type problem string

const (
	errNotAge  problem = "is damaged, or no age file of a version that this program knows"
	errNoMatch problem = "is damaged, or was encrypted to another identity than that of the store"
	errDamaged problem = "is damaged"
	errNewer   problem = "was written by a newer version of this program"
	errForeign problem = "holds another item: it was renamed, or replaced"
)

// Error implements error.
func (p problem) Error() string { return string(p) }

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
	if err := allowed(); err != nil {
		return nil, err
	}
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

// allowed refuses to work where nothing could be encrypted or decrypted: files that are sound would seem
// damaged.
func allowed() error {
	if fips140.Enforced() {
		return fault.New(fault.Store, "the age store", "set GODEBUG=fips140=on, or use another store", "age needs X25519 and ChaCha20-Poly1305, which GODEBUG=fips140=only forbids")
	}
	return nil
}

// unseal decrypts an age file, armored or not. The error is a problem, or a *fault.Error of an
// identity: age's own may quote the file.
func unseal(file []byte, identities ...age.Identity) ([]byte, error) {
	if err := allowed(); err != nil {
		return nil, err
	}
	var src io.Reader = bytes.NewReader(file)
	if bytes.HasPrefix(file, []byte(armor.Header)) {
		src = armor.NewReader(src)
	}
	r, err := age.Decrypt(src, append(slices.Clone(identities), nobody{})...) // age sorts them
	if err == nil {
		plain, err := io.ReadAll(io.LimitReader(r, maxFile))
		if err != nil {
			return nil, errDamaged
		}
		return plain, nil
	}
	if explained, ok := errors.AsType[*fault.Error](err); ok {
		return nil, explained
	}
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, errNoMatch
	}
	return nil, errNotAge
}

// nobody is an identity that opens nothing. With it, age reads a file's header even if there is no
// other identity.
type nobody struct{}

// Unwrap implements age.Identity.
func (nobody) Unwrap([]*age.Stanza) ([]byte, error) { return nil, age.ErrIncorrectIdentity }

// openItem returns the name and the secret in an item's file. name is what the first has to be,
// or "". The error is as of unseal.
func openItem(file []byte, name string, identities []age.Identity) (string, creds.Secret, error) {
	plain, err := unseal(file, identities...)
	if err != nil {
		return "", creds.Secret{}, err
	}
	defer clear(plain)
	return decode(plain, name)
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
// is "". The error is a problem.
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
