package sandbox

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

const base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// random makes identifiers and secrets. It is a ChaCha8 stream, seeded once, so
// that nothing can fail later and a fixed seed gives a fixed world.
type random struct {
	mu     sync.Mutex
	stream *rand.ChaCha8
}

func newRandom(source io.Reader) (*random, error) {
	var seed [32]byte
	if _, err := io.ReadFull(source, seed[:]); err != nil {
		return nil, fmt.Errorf("sandbox: reading 32 random bytes: %w", err)
	}
	return &random{stream: rand.NewChaCha8(seed)}, nil
}

// Read fills p; it never fails.
func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream.Read(p)
}

func (r *random) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = r.Read(b) // never fails
	return b
}

// base32 returns n characters of [A-Z2-7].
func (r *random) base32(n int) string {
	b := r.bytes(n)
	for i := range b {
		b[i] = base32Alphabet[b[i]%32]
	}
	return string(b)
}

// base64 returns n characters of base64; n is a multiple of 4.
func (r *random) base64(n int) string {
	return base64.StdEncoding.EncodeToString(r.bytes(n / 4 * 3))
}

// requestID returns a UUID (RFC 9562 version 4), as AWS's request ids are.
func (r *random) requestID() string {
	b := r.bytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
