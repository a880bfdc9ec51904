package qr

import (
	"iter"
	"math/bits"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// symbol is a code as a square of modules.
type symbol struct {
	version, side int
	dark          []bool // row by row
	fixed         []bool // finders, lines, squares and information: neither data nor masked
}

// decodeModules returns the text that the modules of a code spell, mirrored or not.
func decodeModules(version int, modules []bool) (creds.Secret, bool) {
	s := newSymbol(version, modules)
	if text, ok := s.decode(); ok {
		return text, true
	}
	mirrored := make([]bool, len(modules))
	for i, dark := range modules {
		mirrored[i%s.side*s.side+i/s.side] = dark
	}
	s.dark = mirrored
	return s.decode()
}

// decode returns the text of a code that is not mirrored. What all codes of the
// version have in common is not looked at again.
func (s symbol) decode() (creds.Secret, bool) {
	for _, f := range s.formats() {
		data, ok := newLayout(s.version, f.level).restore(s.unmasked(f.mask).read())
		if !ok {
			continue
		}
		if text, ok := parse(data, s.version); ok && text != "" {
			return creds.NewSecret(text), true
		}
	}
	return creds.Secret{}, false
}

func newSymbol(version int, modules []bool) symbol {
	s := symbol{version, side(version), modules, make([]bool, len(modules))}
	for row := range s.side {
		for column := range s.side {
			low, high := min(column, row), max(column, row)
			s.fixed[s.index(column, row)] = high < 9 || low < 9 && high >= s.side-8 || // finders and format
				low == 6 || // dotted lines
				version >= 7 && low < 6 && high >= s.side-11 // version information
		}
	}
	for _, m := range alignmentModules(version) {
		s.fixed[s.index(m.column, m.row)] = true
	}
	return s
}

func (s symbol) index(column, row int) int { return row*s.side + column }

// path yields the modules for data in their order: upwards, then downwards, and so
// on, in strips of two columns from the right.
func (s symbol) path() iter.Seq[int] {
	return func(yield func(int) bool) {
		for strip := range s.side / 2 {
			right := s.side - 1 - 2*strip
			if right <= 6 {
				right-- // the column of the dotted line is in no strip
			}
			for i := range s.side {
				row := i
				if strip%2 == 0 {
					row = s.side - 1 - i
				}
				for _, at := range [2]int{s.index(right, row), s.index(right-1, row)} {
					if !s.fixed[at] && !yield(at) {
						return
					}
				}
			}
		}
	}
}

// read returns the codewords of an unmasked code.
func (s symbol) read() []byte {
	list := make([]byte, codewords(s.version))
	bit := 0
	for at := range s.path() {
		if bit == 8*len(list) {
			break
		}
		if s.dark[at] {
			list[bit/8] |= 0x80 >> (bit % 8)
		}
		bit++
	}
	return list
}

// unmasked returns a copy of s in which the modules for data that a mask covers are
// inverted. Done twice, it changes nothing.
func (s symbol) unmasked(mask int) symbol {
	s.dark = slices.Clone(s.dark)
	for i := range s.dark {
		if !s.fixed[i] && covers(mask, i%s.side, i/s.side) {
			s.dark[i] = !s.dark[i]
		}
	}
	return s
}

// covers reports whether one of the eight masks inverts the module there.
func covers(mask, column, row int) bool {
	product := column * row
	switch mask {
	case 0:
		return (column+row)%2 == 0
	case 1:
		return row%2 == 0
	case 2:
		return column%3 == 0
	case 3:
		return (column+row)%3 == 0
	case 4:
		return (column/3+row/2)%2 == 0
	case 5:
		return product%2+product%3 == 0
	case 6:
		return (product%2+product%3)%2 == 0
	default:
		return ((column+row)%2+product%3)%2 == 0
	}
}

// codeFormat is what a code says about itself twice, because all else depends on it.
type codeFormat struct {
	level level
	mask  int
}

// information returns the 15 bits for f: 2 for the level, 3 for the mask, the
// remainder of their division by a generator as error correction, and all so that they
// are never all light.
func (f codeFormat) information() int {
	const generator, width = 0x537, 10
	data := (int(f.level)^1)<<3 | f.mask
	rest := data << width
	for over := 4; over >= 0; over-- {
		if rest>>(over+width)&1 == 1 {
			rest ^= generator << over
		}
	}
	return (data<<width | rest) ^ 0x5412
}

// formats returns what the two copies of the format say, as far as they are
// legible. If they disagree, one is damaged: whoever reads on will see which.
func (s symbol) formats() []codeFormat {
	var list []codeFormat
	for _, places := range s.formatPlaces() {
		seen := 0
		for bit, at := range places {
			if s.dark[at] {
				seen |= 1 << bit
			}
		}
		if f, ok := nearest(seen); ok && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

// formatPlaces returns where the bits of the format are, lowest first: round the
// upper left finder, and once more divided between the other two.
func (s symbol) formatPlaces() [2][15]int {
	var places [2][15]int
	for i := range 15 {
		switch {
		case i < 6:
			places[0][i] = s.index(8, i)
		case i < 8:
			places[0][i] = s.index(8, i+1) // past the dotted line
		case i == 8:
			places[0][i] = s.index(7, 8)
		default:
			places[0][i] = s.index(14-i, 8)
		}
		if i < 8 {
			places[1][i] = s.index(s.side-1-i, 8)
		} else {
			places[1][i] = s.index(8, s.side-15+i)
		}
	}
	return places
}

// nearest returns the format whose 15 bits differ from those seen in three at most.
// Any two formats differ in seven.
func nearest(seen int) (codeFormat, bool) {
	for l := levelL; l <= levelH; l++ {
		for mask := range 8 {
			f := codeFormat{l, mask}
			if bits.OnesCount(uint(f.information()^seen)) <= 3 {
				return f, true
			}
		}
	}
	return codeFormat{}, false
}
