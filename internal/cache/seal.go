package cache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"io"
)

// A sealed entry is a header and what AES-256-GCM makes of the content:
//
//	0   4  magic "AMCS"
//	4   1  version
//	5   8  id of the sealing key
//	13  12 nonce, random
//	25     ciphertext and the 16 bytes of its tag
//
// The associated data are the header and the session's id, so an entry can be neither
// altered nor passed off as another session's.
const (
	magic      = "AMCS"
	version    = 1
	nonceSize  = 12
	prefixSize = len(magic) + 1 + keyIDSize
	headerSize = prefixSize + nonceSize
)

// Why an entry cannot be opened. Each is a miss.
var (
	errForeign = errors.New("of another version or sealed with another key")
	errDamaged = errors.New("damaged")
)

// seal returns plain as a sealed entry of the session id.
func (k Key) seal(random io.Reader, id string, plain []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	entry := make([]byte, headerSize, headerSize+len(plain)+aead.Overhead())
	copy(entry, k.prefix())
	nonce := entry[prefixSize:headerSize]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, err
	}
	return aead.Seal(entry, nonce, plain, associated(entry, id)), nil
}

// unseal returns the content of an entry of the session id.
func (k Key) unseal(id string, entry []byte) ([]byte, error) {
	if len(entry) < headerSize {
		return nil, errDamaged
	}
	if !bytes.Equal(entry[:prefixSize], k.prefix()) {
		return nil, errForeign
	}
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	header := entry[:headerSize]
	plain, err := aead.Open(nil, header[prefixSize:], entry[headerSize:], associated(header, id))
	if err != nil {
		return nil, errDamaged
	}
	return plain, nil
}

// prefix returns the part of the header that is the same in all entries of the key.
func (k Key) prefix() []byte {
	prefix := append(make([]byte, 0, prefixSize), magic...)
	return append(append(prefix, version), k.sub().id...)
}

func (k Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.sub().encryption)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func associated(header []byte, id string) []byte {
	return append(append(make([]byte, 0, len(header)+len(id)), header...), id...)
}
