package qr

import "iter"

// symbol is a code as a square of modules.
type symbol struct {
	version, side int
	dark          []bool // row by row
	fixed         []bool // finders, lines, squares and information: neither data nor masked
}

// newSymbol returns a code that has all but data and format information.
func newSymbol(version int) symbol {
	n := side(version)
	s := symbol{version, n, make([]bool, n*n), make([]bool, n*n)}
	for _, list := range [][]module{finderModules(version), timingModules(version), alignmentModules(version)} {
		for _, m := range list {
			s.fix(s.index(m.column, m.row), m.dark)
		}
	}
	for _, copies := range s.formatPlaces() {
		for _, at := range copies {
			s.fix(at, false)
		}
	}
	s.fix(s.index(8, n-8), true)
	for _, copies := range s.versionPlaces() {
		for bit, at := range copies {
			s.fix(at, versionInformation(version)>>bit&1 == 1)
		}
	}
	return s
}

func (s symbol) index(column, row int) int { return row*s.side + column }

func (s symbol) fix(at int, dark bool) { s.dark[at], s.fixed[at] = dark, true }

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

// write is the reverse of read.
func (s symbol) write(list []byte) {
	bit := 0
	for at := range s.path() {
		if bit == 8*len(list) {
			break
		}
		s.dark[at] = list[bit/8]<<(bit%8)&0x80 != 0
		bit++
	}
}

// mask inverts the modules for data that a mask covers. Twice, it does nothing.
func (s symbol) mask(mask int) {
	for row := range s.side {
		for column := range s.side {
			if at := s.index(column, row); !s.fixed[at] && covers(mask, column, row) {
				s.dark[at] = !s.dark[at]
			}
		}
	}
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
