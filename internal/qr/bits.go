package qr

// bitReader reads numbers from data, highest bit first.
type bitReader struct {
	data  []byte
	at    int  // in bits
	short bool // more was asked for than there was
}

func (r *bitReader) left() int { return 8*len(r.data) - r.at }

// take returns the number that the next n bits are, or 0 if there are fewer.
func (r *bitReader) take(n int) int {
	if n > r.left() {
		r.short = true
		return 0
	}
	value := 0
	for range n {
		value = value<<1 | int(r.data[r.at/8]>>(7-r.at%8))&1
		r.at++
	}
	return value
}

// designator returns the number of an ECI, which takes one to three bytes: as many
// as it begins with ones, and one more. A fourth makes it invalid.
func (r *bitReader) designator() int {
	switch first := r.take(8); {
	case first < 0x80:
		return first
	case first < 0xc0:
		return first&0x3f<<8 | r.take(8)
	case first < 0xe0:
		return first&0x1f<<16 | r.take(16)
	}
	r.short = true
	return 0
}
