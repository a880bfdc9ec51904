package qr

import "math/bits"

// versioned is the first version that has version information.
const versioned = 7

// codeFormat is what a code says about itself twice, because all else depends on it.
type codeFormat struct {
	level level
	mask  int
}

// information returns the 15 bits for f: 2 for the level, 3 for the mask, 10 for
// error correction, and all so that they are never all light.
func (f codeFormat) information() int {
	return bch((int(f.level)^1)<<3|f.mask, 0x537) ^ 0x5412
}

// versionInformation returns the 18 bits for a version.
func versionInformation(version int) int { return bch(version, 0x1f25) }

// bch returns data followed by the remainder of its division by generator, both
// being polynomials over two elements.
func bch(data, generator int) int {
	width := bits.Len(uint(generator)) - 1
	rest := data << width
	for over := bits.Len(uint(data)) - 1; over >= 0; over-- {
		if rest>>(over+width)&1 == 1 {
			rest ^= generator << over
		}
	}
	return data<<width | rest
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

// versionPlaces returns where the bits of the version are, lowest first: above the
// lower left finder, and beside the upper right one. Small codes have none.
func (s symbol) versionPlaces() [][18]int {
	if s.version < versioned {
		return nil
	}
	places := make([][18]int, 2)
	for i := range 18 {
		near, far := i/3, s.side-11+i%3
		places[0][i], places[1][i] = s.index(near, far), s.index(far, near)
	}
	return places
}

// setFormat draws both copies of the format.
func (s symbol) setFormat(f codeFormat) {
	for _, places := range s.formatPlaces() {
		for bit, at := range places {
			s.dark[at] = f.information()>>bit&1 == 1
		}
	}
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
		if f, ok := nearest(seen); ok && (len(list) == 0 || list[0] != f) {
			list = append(list, f)
		}
	}
	return list
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
