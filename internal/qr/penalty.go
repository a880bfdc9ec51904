package qr

// penalty returns how hard a code is on readers, by the four rules of section
// 7.8.3 of ISO/IEC 18004:2015.
func (s symbol) penalty() int {
	sum := s.imbalance() + s.squares()
	for i := range s.side {
		sum += s.line(s.index(0, i), 1) + s.line(s.index(i, 0), s.side)
	}
	return sum
}

// line rates the row or column that begins at a module and goes on in steps: for
// five or more modules that are alike, and for what looks like a finder, with the
// light border counted in.
func (s symbol) line(at, step int) int {
	const before, after, mask = 0b000010111010, 0b010111010000, 1<<12 - 1
	sum, run, window := 0, 0, 0
	for i := range s.side + 4 {
		dark := i < s.side && s.dark[at+i*step]
		if dark == (window&1 == 1) {
			run++
		} else {
			run = 1
		}
		window = window << 1 & mask
		if dark {
			window |= 1
		}
		if window == before || window == after {
			sum += 40
		}
		switch {
		case i >= s.side || run < 5:
		case run == 5:
			sum += 3
		default:
			sum++
		}
	}
	return sum
}

// squares rates each square of two by two modules that are alike.
func (s symbol) squares() int {
	sum := 0
	for row := range s.side - 1 {
		for column := range s.side - 1 {
			at := s.index(column, row)
			if d := s.dark[at]; d == s.dark[at+1] && d == s.dark[at+s.side] && d == s.dark[at+s.side+1] {
				sum += 3
			}
		}
	}
	return sum
}

// imbalance rates each 5 % by which the dark modules are not a half.
func (s symbol) imbalance() int {
	dark := 0
	for _, d := range s.dark {
		if d {
			dark++
		}
	}
	off := 20*dark - 10*len(s.dark)
	return max(off, -off) / len(s.dark) * 10
}
