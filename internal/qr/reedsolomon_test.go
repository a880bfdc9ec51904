package qr

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCheck has the example of annex I of the standard: 01234567 in version 1-M.
func TestCheck(t *testing.T) {
	t.Parallel()
	data := []byte{0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11}
	want := []byte{0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55}
	if got := newField().check(data, len(want)); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestField compares products with those of polynomials, multiplied as on paper.
func TestField(t *testing.T) {
	t.Parallel()
	f := newField()
	for a := range 256 {
		for b := range 256 {
			product := 0
			for bit := range 8 {
				product ^= a << bit * (b >> bit & 1)
			}
			for bit := 14; bit >= 8; bit-- {
				product ^= 0x11d << (bit - 8) * (product >> bit & 1)
			}
			if got := f.times(byte(a), byte(b)); int(got) != product {
				t.Fatalf("%d times %d is %d, want %d", a, b, got, product)
			}
			if b != 0 && int(f.over(byte(product), byte(b))) != a {
				t.Fatalf("%d over %d is not %d", product, b, a)
			}
		}
	}
}

// spoil makes so many codewords of block wrong.
func spoil(random *rand.Rand, block []byte, wrong int) {
	for _, i := range random.Perm(len(block))[:wrong] {
		block[i] ^= byte(1 + random.IntN(255))
	}
}

// TestCorrect spoils a block of each version and level, some codewords at a time:
// as many as can be corrected, and more.
func TestCorrect(t *testing.T) {
	t.Parallel()
	f, random := newField(), rand.New(rand.NewPCG(1, 2))
	for version := 1; version <= maxVersion; version++ {
		for l := levelL; l <= levelH; l++ {
			layout := newLayout(version, l)
			data := make([]byte, layout.data(0))
			for i := range data {
				data[i] = byte(random.IntN(256))
			}
			block := slices.Concat(data, f.check(data, layout.check))
			limit := layout.correctable()
			for wrong := range limit + 6 {
				spoilt := slices.Clone(block)
				spoil(random, spoilt, wrong)
				before := slices.Clone(spoilt)
				ok := f.correct(spoilt, layout.check, limit)
				switch {
				case wrong <= limit && (!ok || !bytes.Equal(spoilt, block)):
					t.Errorf("version %d, level %d: %d wrong codewords of %d stay: %v", version, l, wrong, limit, ok)
				case wrong > limit && (ok || !bytes.Equal(spoilt, before)):
					t.Errorf("version %d, level %d: %d wrong codewords, of which %d can be corrected, pass: %v", version, l, wrong, limit, ok)
				}
			}
		}
	}
}

// TestCorrectOutside has what looks like one error in the place in front of the block.
func TestCorrectOutside(t *testing.T) {
	t.Parallel()
	f := newField()
	block := f.check([]byte{1}, 10)
	if f.correct(block, 10, 5) {
		t.Errorf("an error outside of the block is corrected: %x", block)
	}
}

// check returns the n codewords for error correction that follow data: the
// remainder of its division by the product of all x-2^i for i below n.
func (f *field) check(data []byte, n int) []byte {
	generator := make([]byte, n) // highest power first, without the leading 1
	generator[n-1] = 1
	for i := range n {
		root := f.power(i)
		for j := range generator {
			generator[j] = f.times(generator[j], root)
			if j+1 < n {
				generator[j] ^= generator[j+1]
			}
		}
	}
	rest := make([]byte, n)
	for _, codeword := range data {
		factor := codeword ^ rest[0]
		rest = append(rest[1:], 0)
		for i, g := range generator {
			rest[i] ^= f.times(g, factor)
		}
	}
	return rest
}
