package qr

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
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
			s := compose(t, text, version, own)
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

// TestEncoderLikeQrencode compares codes of all kinds, module by module. The choice
// of the mask is free, so one of the eight has to be the same.
func TestEncoderLikeQrencode(t *testing.T) {
	t.Parallel()
	for version := 1; version <= maxVersion; version++ {
		for l := levelL; l <= levelH; l++ {
			text := strings.Repeat("otpauth://totp/x?", 200)[:room(version, l)-version%3]
			art := string(output(t, []byte(text), need(t, "qrencode", "qrencode"), "-8", "-m", "0", "-t", "ASCII", "-o", "-", "-v", fmt.Sprint(version), "-l", "LMQH"[l:l+1]))
			same := func(mask int) bool { return compose(t, text, version, codeFormat{l, mask}).art() == art }
			if !slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5, 6, 7}, same) {
				t.Errorf("version %d, level %d is not what qrencode draws", version, l)
			}
		}
	}
}

// art returns s as qrencode draws it in ASCII.
func (s symbol) art() string {
	var out strings.Builder
	for i, dark := range s.dark {
		out.WriteString(map[bool]string{true: "##", false: "  "}[dark])
		if (i+1)%s.side == 0 {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// TestDecodeModulesDamaged makes as many codewords of each block wrong as can be
// corrected, and then one more in one of them.
func TestDecodeModulesDamaged(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for _, version := range []int{1, 2, 3, 6, 7, 10, 14, 27, 40} {
		for l := levelL; l <= levelH; l++ {
			layout := newLayout(version, l)
			text := strings.Repeat("x", room(version, l))
			f := codeFormat{l, version % 8}
			plain := compose(t, text, version, f).unmasked(f.mask)
			list := plain.read()
			for block := range layout.blocks {
				damage(random, layout, list, block, layout.correctable())
			}
			plain.write(list)
			if got, ok := decodeModules(version, plain.unmasked(f.mask).dark); !ok || got.Reveal() != text {
				t.Errorf("version %d, level %d, as damaged as can be: %.80q", version, l, got.Reveal())
			}
			plain = compose(t, text, version, f).unmasked(f.mask)
			list = plain.read()
			damage(random, layout, list, layout.blocks-1, layout.correctable()+1)
			plain.write(list)
			if got, ok := decodeModules(version, plain.unmasked(f.mask).dark); ok {
				t.Errorf("version %d, level %d, damaged beyond repair: %.80q", version, l, got.Reveal())
			}
		}
	}
}

// damage makes so many codewords of a block wrong, in the list of all.
func damage(random *rand.Rand, layout layout, list []byte, block, wrong int) {
	var places []int
	place := 0
	for b := range layout.order() {
		if b == block {
			places = append(places, place)
		}
		place++
	}
	for _, i := range random.Perm(len(places))[:wrong] {
		list[places[i]] ^= byte(1 + random.IntN(255))
	}
}

// TestDecodeModulesMirrored reads codes of all versions from behind.
func TestDecodeModulesMirrored(t *testing.T) {
	t.Parallel()
	for version := 1; version <= maxVersion; version++ {
		s := compose(t, "mirrored", version, codeFormat{levelM, version % 8})
		mirrored := make([]bool, len(s.dark))
		for i, dark := range s.dark {
			mirrored[i%s.side*s.side+i/s.side] = dark
		}
		if got, ok := decodeModules(version, mirrored); !ok || got.Reveal() != "mirrored" {
			t.Errorf("version %d: %q", version, got.Reveal())
		}
	}
}

// TestDecodeModulesWithoutPatterns has nothing left of finders, dotted lines and squares.
func TestDecodeModulesWithoutPatterns(t *testing.T) {
	t.Parallel()
	s := compose(t, "bare", 9, codeFormat{levelL, 5})
	for _, list := range [][]module{finderModules(9), timingModules(9), alignmentModules(9)} {
		for _, m := range list {
			s.dark[s.index(m.column, m.row)] = true
		}
	}
	if got, ok := decodeModules(9, s.dark); !ok || got.Reveal() != "bare" {
		t.Errorf("%q", got.Reveal())
	}
}

// TestDecodeModulesOfNothing has a code that is valid, and empty.
func TestDecodeModulesOfNothing(t *testing.T) {
	t.Parallel()
	modules := modulesIn(mustEncode(t, ""))
	if len(modules) != side(1)*side(1) || len(newSymbol(1, modules).formats()) != 1 {
		t.Fatalf("an empty text is drawn with %d modules", len(modules))
	}
	if text, ok := decodeModules(1, modules); ok {
		t.Errorf("%q is read", text.Reveal())
	}
}

// FuzzDecodeModules: modules of any kind are read or refused, and a code with three
// of them wrong is always read. No code that we draw corrects fewer.
func FuzzDecodeModules(f *testing.F) {
	f.Add(otpauth, []byte{1, 2, 3, 4, 5, 6})
	f.Add("x", []byte("\x00\x08\x01\x08\x02\x08"))
	f.Add("\x00\xff", []byte(strings.Repeat("damage", 100)))
	f.Fuzz(func(t *testing.T, text string, places []byte) {
		matrix, err := Encode(secret(text))
		if err != nil || text == "" {
			return
		}
		modules := modulesIn(matrix)
		version := (matrix.side - 17) / 4
		for i := 0; i+1 < len(places); i += 2 {
			at := (int(places[i])<<8 | int(places[i+1])) % len(modules)
			modules[at] = !modules[at]
			got, ok := decodeModules(version, modules)
			switch {
			case ok && got.IsZero():
				t.Fatal("a text of nothing")
			case i <= 4 && (!ok || got.Reveal() != text):
				t.Fatalf("%q comes back as %q, %v", text, got.Reveal(), ok)
			}
		}
	})
}

// FuzzDecodeRandomModules: no modules make the decoder panic.
func FuzzDecodeRandomModules(f *testing.F) {
	for version := uint8(1); version <= maxVersion; version += 13 {
		f.Add(version, []byte{0})
		f.Add(version, []byte{0x5a, 0x12, 0xff, 0x80})
	}
	f.Fuzz(func(t *testing.T, version uint8, content []byte) {
		version = version%maxVersion + 1
		if len(content) == 0 {
			return
		}
		n := side(int(version))
		modules := make([]bool, n*n)
		for i := range modules {
			modules[i] = content[i/8%len(content)]>>(i%8)&1 == 1
		}
		if got, ok := decodeModules(int(version), modules); ok == got.IsZero() {
			t.Fatalf("%q, %v", got.Reveal(), ok)
		}
	})
}
