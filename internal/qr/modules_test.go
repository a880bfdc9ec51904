package qr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestComposeLikeQrencode compares codes of all kinds, module by module. The choice
// of the mask is free, so one of the eight has to be the same.
func TestComposeLikeQrencode(t *testing.T) {
	t.Parallel()
	for version := 1; version <= maxVersion; version++ {
		for l := levelL; l <= levelH; l++ {
			text := strings.Repeat("otpauth://totp/x?", 200)[:room(version, l)-version%3]
			art := string(output(t, []byte(text), need(t, "qrencode", "qrencode"), "-8", "-m", "0", "-t", "ASCII", "-o", "-", "-v", fmt.Sprint(version), "-l", "LMQH"[l:l+1]))
			plain := compose(text, version, l)
			same := func(mask int) bool { return plain.masked(codeFormat{l, mask}).art() == art }
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
			s := compose(text, version, l)
			list := s.read()
			for block := range layout.blocks {
				damage(random, layout, list, block, layout.correctable())
			}
			s.write(list)
			f := codeFormat{l, version % 8}
			if got, ok := decodeModules(version, s.masked(f).dark); !ok || got.Reveal() != text {
				t.Errorf("version %d, level %d, as damaged as can be: %.80q", version, l, got.Reveal())
			}
			s = compose(text, version, l)
			list = s.read()
			damage(random, layout, list, layout.blocks-1, layout.correctable()+1)
			s.write(list)
			if got, ok := decodeModules(version, s.masked(f).dark); ok {
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
		s := compose("mirrored", version, levelM).masked(codeFormat{levelM, version % 8})
		if got, ok := decodeModules(version, mirror(s.dark, s.side)); !ok || got.Reveal() != "mirrored" {
			t.Errorf("version %d: %q", version, got.Reveal())
		}
	}
}

// TestDecodeModulesWithoutPatterns has nothing left of finders, dotted lines and squares.
func TestDecodeModulesWithoutPatterns(t *testing.T) {
	t.Parallel()
	s := compose("bare", 9, levelL).masked(codeFormat{levelL, 5})
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
	s, ok := drawCode("")
	if !ok || s.version != 1 || len(s.formats()) != 1 {
		t.Fatalf("an empty text is drawn as version %d, %v", s.version, ok)
	}
	if text, ok := decodeModules(1, s.dark); ok {
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
		s, ok := drawCode(text)
		if !ok || text == "" {
			return
		}
		for i := 0; i+1 < len(places); i += 2 {
			at := (int(places[i])<<8 | int(places[i+1])) % len(s.dark)
			s.dark[at] = !s.dark[at]
			got, ok := decodeModules(s.version, s.dark)
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
