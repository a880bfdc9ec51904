package cache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

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
	saltFleet   = "aws-mfa-creds session fleet v1: access key and seed"
)

// Key is a sealing key: the three keys, one behind the other, that are expanded from one, so that none has
// two purposes. The zero value is no key: nothing can be sealed or found with it.
type Key struct{ creds.Secret }

func (k Key) encryption() []byte { return []byte(k.Reveal()[:keySize]) }            // AES-256
func (k Key) index() []byte      { return []byte(k.Reveal()[keySize : 2*keySize]) } // HMAC-SHA256
func (k Key) id() []byte         { return []byte(k.Reveal()[2*keySize:]) }          // recognizes the key; tells nothing of it

// DeriveKey returns the key that belongs to an access key and the seed of its MFA
// device. Whoever has both could mint sessions anyway, and neither alone opens the
// cache. It is the zero Key if one of them is empty.
func DeriveKey(secretAccessKey, seed creds.Secret) Key {
	return derive(saltDerived, secretAccessKey, seed)
}

// DeriveFleetKey is DeriveKey for what leaves this host: another key, of the same secrets.
func DeriveFleetKey(secretAccessKey, seed creds.Secret) Key {
	return derive(saltFleet, secretAccessKey, seed)
}

func derive(salt string, secretAccessKey, seed creds.Secret) Key {
	if secretAccessKey.IsZero() || seed.IsZero() {
		return Key{}
	}
	var material []byte
	for _, secret := range []string{secretAccessKey.Reveal(), seed.Reveal()} {
		material = binary.BigEndian.AppendUint64(material, uint64(len(secret)))
		material = append(material, secret...)
	}
	defer clear(material)
	return newKey(material, salt)
}

// newKey is HKDF (RFC 5869) with SHA-256.
func newKey(material []byte, salt string) Key {
	root, err := hkdf.Extract(sha256.New, material, []byte(salt))
	if err != nil {
		return Key{}
	}
	defer clear(root)
	var all []byte
	for _, sub := range []struct {
		info string
		size int
	}{{"encryption", keySize}, {"index", keySize}, {"id", keyIDSize}} {
		key, err := hkdf.Expand(sha256.New, root, sub.info, sub.size)
		if err != nil {
			return Key{}
		}
		all = append(all, key...)
	}
	return Key{creds.NewSecret(string(all))}
}

// Name returns the name of what is kept for id: of a file, less its ending, or of an entry in the
// shared cache. It tells nothing without the key.
func (k Key) Name(id string) string {
	h := hmac.New(sha256.New, k.index())
	h.Write([]byte(id))
	return hex.EncodeToString(h.Sum(nil)[:nameSize])
}

// A sealed entry is a header and what AES-256-GCM makes of the content:
//
//	0   4  magic "AMCS"
//	4   1  version
//	5   8  id of the sealing key
//	13     random nonce of 12 bytes, ciphertext, and the 16 bytes of its tag
//
// The associated data are the header and the session's id, so an entry can be neither
// altered nor passed off as another session's.
const (
	magic      = "AMCS"
	version    = 1
	headerSize = len(magic) + 1 + keyIDSize
)

// Why an entry cannot be opened. Each is a miss.
var (
	errForeign = errors.New("of another version or sealed with another key")
	errDamaged = errors.New("damaged")
)

// Seal returns plain as a sealed entry, which only Unseal with the same id opens.
func (k Key) Seal(id string, plain []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	header := k.header()
	return aead.Seal(header, nil, plain, associated(header, id)), nil //nolint:gosec // the AEAD makes the nonce
}

// Unseal returns the content of an entry that Seal has sealed for id.
func (k Key) Unseal(id string, entry []byte) ([]byte, error) {
	if len(entry) < headerSize {
		return nil, errDamaged
	}
	header := entry[:headerSize]
	if !bytes.Equal(header, k.header()) {
		return nil, errForeign
	}
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, entry[headerSize:], associated(header, id))
	if err != nil {
		return nil, errDamaged
	}
	return plain, nil
}

// header returns the header of all entries of the key.
func (k Key) header() []byte {
	header := append(make([]byte, 0, headerSize), magic...)
	return append(append(header, version), k.id()...)
}

// aead makes its own nonces, which is also the one form of GCM that FIPS 140-3 allows.
func (k Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.encryption())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func associated(header []byte, id string) []byte {
	return append(append(make([]byte, 0, len(header)+len(id)), header...), id...)
}
