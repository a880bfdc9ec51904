package cache

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// ErrNoKey says that there is no sealing key (any more), so that no entry can be
// read.
var ErrNoKey = errors.New("no sealing key")

// KeySource is where the sealing key comes from.
type KeySource interface {
	// Read returns the key, or ErrNoKey. It is called for every session that is looked
	// for, and changes nothing.
	Read() (Key, error)

	// Create returns the key, makes one if there is none, and prolongs its life if that
	// is limited. It is called for every session that is stored, under a lock of the cache
	// as far as the disk can give one.
	Create() (Key, error)
}

// KeyFunc is a KeySource whose key need not rest anywhere, because it can be derived
// at any time. It is called often; sync.OnceValues keeps what is expensive.
type KeyFunc func() (Key, error)

// Read implements KeySource.
func (f KeyFunc) Read() (Key, error) { return f() }

// Create implements KeySource.
func (f KeyFunc) Create() (Key, error) { return f() }

const (
	keySize   = 32 // bytes of key material and of each subkey
	keyIDSize = 8  // bytes
	nameSize  = 16 // bytes of a file name, before hex
)

// The salts tell apart what a key is made from; "v1" is the version of the whole
// scheme.
const (
	saltDerived = "aws-mfa-creds session cache v1: access key and seed"
	saltStored  = "aws-mfa-creds session cache v1: stored key"
)

// Key is a sealing key. It prints as "[redacted]". The zero value is no key: nothing can
// be sealed or found with it.
type Key struct {
	// A function, because fmt does not call the methods of a Key in an unexported field
	// of another struct, and for a verb it finds wrong it follows even a pointer. A
	// function prints as an address everywhere.
	sub func() *subkeys
}

// subkeys are expanded from one key, so that no key has two purposes.
type subkeys struct {
	encryption []byte // AES-256
	index      []byte // HMAC-SHA256
	id         []byte // recognises the key; tells nothing of it
}

// DeriveKey returns the key that belongs to an access key and the seed of its MFA
// device. Whoever has both could mint sessions anyway, and neither alone opens the
// cache. It is the zero Key if one of them is empty.
func DeriveKey(secretAccessKey, seed creds.Secret) Key {
	if secretAccessKey.IsZero() || seed.IsZero() {
		return Key{}
	}
	var material []byte
	for _, secret := range []string{secretAccessKey.Reveal(), seed.Reveal()} {
		material = binary.BigEndian.AppendUint64(material, uint64(len(secret)))
		material = append(material, secret...)
	}
	defer clear(material)
	return newKey(material, saltDerived)
}

// newKey is HKDF (RFC 5869) with SHA-256.
func newKey(material []byte, salt string) Key {
	root, err := hkdf.Extract(sha256.New, material, []byte(salt))
	if err != nil {
		return Key{}
	}
	defer clear(root)
	var k subkeys
	for _, sub := range []struct {
		key  *[]byte
		info string
		size int
	}{
		{&k.encryption, "encryption", keySize},
		{&k.index, "index", keySize},
		{&k.id, "id", keyIDSize},
	} {
		if *sub.key, err = hkdf.Expand(sha256.New, root, sub.info, sub.size); err != nil {
			return Key{}
		}
	}
	return Key{func() *subkeys { return &k }}
}

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.sub == nil }

// name returns the name, less its ending, of the file for the session id. It tells
// nothing without the key.
func (k Key) name(id string) string {
	h := hmac.New(sha256.New, k.sub().index)
	h.Write([]byte(id))
	return hex.EncodeToString(h.Sum(nil)[:nameSize])
}

const redacted = "[redacted]"

// Format implements fmt.Formatter: every verb and flag prints "[redacted]".
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String implements fmt.Stringer.
func (Key) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Key) GoString() string { return redacted }

// MarshalText implements encoding.TextMarshaler, and with it JSON.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }
