package qr

import (
	"math/bits"
	"testing"
)

// TestInformation has rows of the tables in annexes C and D of the standard.
func TestInformation(t *testing.T) {
	t.Parallel()
	for f, want := range map[codeFormat]int{
		{levelM, 0}: 0b101010000010010, {levelM, 5}: 0b100000011001110, {levelL, 0}: 0b111011111000100,
		{levelL, 7}: 0b110100101110110, {levelH, 0}: 0b001011010001001, {levelQ, 3}: 0b011101000000110,
	} {
		if got := f.information(); got != want {
			t.Errorf("level %d, mask %d: %015b, want %015b", f.level, f.mask, got, want)
		}
	}
	for version, want := range map[int]int{7: 0x07c94, 8: 0x085bc, 21: 0x15683, 40: 0x28c69} {
		if got := versionInformation(version); got != want {
			t.Errorf("version %d: %#x, want %#x", version, got, want)
		}
	}
}

// TestFormatDamaged has each way to make up to five bits of one copy wrong, and up to
// three of the other: three can always be corrected.
func TestFormatDamaged(t *testing.T) {
	t.Parallel()
	f := codeFormat{levelQ, 2}
	for flips := range 1 << 15 {
		wrong := bits.OnesCount(uint(flips))
		got, ok := nearest(f.information() ^ flips)
		if wrong <= 3 && (!ok || got != f) || wrong == 4 && ok && got == f {
			t.Fatalf("with bits %015b wrong: %v, %v", flips, got, ok)
		}
	}
}

// TestFormatCopies damages the copies of the format on a code.
func TestFormatCopies(t *testing.T) {
	t.Parallel()
	const text = "which copy is right?"
	own := codeFormat{levelM, 6}
	other := codeFormat{levelH, 1}.information() ^ own.information() // makes it another one, without a flaw
	for name, test := range map[string]struct {
		flips [2]int
		read  bool
	}{
		"none":                          {[2]int{0, 0}, true},
		"three bits of each":            {[2]int{0b111, 0b10101 << 10}, true},
		"three more bits of each":       {[2]int{0b1001001 << 4, 0b11010}, true},
		"four bits of the first":        {[2]int{0b1111, 0}, true},
		"four bits of the second":       {[2]int{0, 0b1111 << 11}, true},
		"first says another":            {[2]int{other, 0}, true},
		"second says another":           {[2]int{0, other}, true},
		"first says another, and three": {[2]int{other, 0b111}, true},
		"four bits of each":             {[2]int{0b1111, 0b1111 << 11}, false},
		"both say another":              {[2]int{other, other}, false},
		"all bits":                      {[2]int{0x7fff, 0x7fff}, false},
	} {
		for _, version := range []int{2, 7, 33} {
			s := compose(text, version, own.level).masked(own)
			for i, places := range s.formatPlaces() {
				for bit, at := range places {
					s.dark[at] = s.dark[at] != (test.flips[i]>>bit&1 == 1)
				}
			}
			if got, ok := decodeModules(version, s.dark); ok != test.read || ok && got.Reveal() != text {
				t.Errorf("%s, version %d: %q, %v", name, version, got.Reveal(), ok)
			}
		}
	}
}
