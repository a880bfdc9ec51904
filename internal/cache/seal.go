package cache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

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

// seal returns plain as a sealed entry of the session id.
func (k Key) seal(id string, plain []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	header := k.header()
	return aead.Seal(header, nil, plain, associated(header, id)), nil //nolint:gosec // the AEAD makes the nonce
}

// unseal returns the content of an entry of the session id.
func (k Key) unseal(id string, entry []byte) ([]byte, error) {
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
	return append(append(header, version), k.sub().id...)
}

// aead makes its own nonces, which is also the one form of GCM that FIPS 140-3 allows.
func (k Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.sub().encryption)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func associated(header []byte, id string) []byte {
	return append(append(make([]byte, 0, len(header)+len(id)), header...), id...)
}
