package qr

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	goqr "github.com/piglig/go-qr"
)

// TestEncoderLikeQrencode compares codes of all kinds, module by module. The choice
// of the mask is free, so one of the eight has to be the same.
func TestEncoderLikeQrencode(t *testing.T) {
	t.Parallel()
	for version := 1; version <= maxVersion; version++ {
		for level := goqr.Low; level <= goqr.High; level++ {
			text := strings.Repeat("otpauth://totp/x?", version*version/8+1)[:6+5*version*version/8]
			art := string(output(t, []byte(text), need(t, "qrencode", "qrencode"), "-8", "-m", "0", "-t", "ASCII", "-o", "-", "-v", fmt.Sprint(version), "-l", "LMQH"[level:level+1]))
			same := false
			for mask := range 8 {
				same = same || drawing(compose(t, text, version, level, mask), side(version)) == art
			}
			if !same {
				t.Errorf("version %d, level %d is not what qrencode draws", version, level)
			}
		}
	}
}

// drawing returns modules as qrencode draws them in ASCII.
func drawing(modules []bool, side int) string {
	var out strings.Builder
	for i, dark := range modules {
		out.WriteString(map[bool]string{true: "##", false: "  "}[dark])
		if (i+1)%side == 0 {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// TestDecodeModulesDamaged blots out a growing part of codes of the highest level: what is read is right,
// three modules in a hundred never hurt, and four in ten are never read.
func TestDecodeModulesDamaged(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2, 6, 7, 14, 27, 40} {
		n := side(version)
		for percent := range 41 {
			modules := compose(t, otpauth[:7], version, goqr.High, version%8)
			for i := range n * n * percent / 100 { // rows from the bottom, right of the lower left finder
				row, column := n-1-i/(n-9), n-1-i%(n-9)
				modules[row*n+column] = !modules[row*n+column]
			}
			got, ok := decodeModules(version, modules)
			if ok && got.Reveal() != otpauth[:7] || !ok && percent <= 3 || ok && percent == 40 {
				t.Errorf("version %d, %d %% damaged: %q, %v", version, percent, got.Reveal(), ok)
			}
		}
	}
}

// TestDecodeModulesMirrored reads codes of all versions from behind.
func TestDecodeModulesMirrored(t *testing.T) {
	t.Parallel()
	for version := 1; version <= maxVersion; version++ {
		modules, n := compose(t, "mirrored", version, goqr.Medium, version%8), side(version)
		mirrored := make([]bool, len(modules))
		for i, dark := range modules {
			mirrored[i%n*n+i/n] = dark
		}
		if got, ok := decodeModules(version, mirrored); !ok || got.Reveal() != "mirrored" {
			t.Errorf("version %d: %q", version, got.Reveal())
		}
	}
}

// TestDecodeModulesWithoutPatterns has nothing left of finders, dotted lines and squares.
func TestDecodeModulesWithoutPatterns(t *testing.T) {
	t.Parallel()
	modules := compose(t, "bare", 9, goqr.Low, 5)
	for _, list := range [][]module{finderModules(9), timingModules(9), alignmentModules(9)} {
		for _, m := range list {
			modules[m.row*side(9)+m.column] = true
		}
	}
	if got, ok := decodeModules(9, modules); !ok || got.Reveal() != "bare" {
		t.Errorf("%q", got.Reveal())
	}
}

// TestDecodeModulesOfNothing has a code that is valid, and empty.
func TestDecodeModulesOfNothing(t *testing.T) {
	t.Parallel()
	if text, ok := decodeModules(1, modulesIn(mustEncode(t, ""))); ok {
		t.Errorf("%q is read", text.Reveal())
	}
}

// FuzzDecodeModules: modules of any kind are read or refused, and a code with three
// of them wrong is always read, as no code that we draw corrects fewer.
func FuzzDecodeModules(f *testing.F) {
	f.Add(otpauth, []byte{1, 2, 3, 4, 5, 6})
	f.Add("x", []byte("\x00\x08\x01\x08\x02\x08"))
	f.Add("\x00\x7f", []byte(strings.Repeat("damage", 100)))
	f.Fuzz(func(t *testing.T, text string, places []byte) {
		matrix, err := Encode(secret(text))
		if err != nil || text == "" || !utf8.ValidString(text) { // of no other set is it told
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
