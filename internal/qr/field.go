package qr

// field is the Galois field of 256 elements that QR codes count in: polynomials
// over two elements, modulo x^8+x^4+x^3+x^2+1. Sums and differences are the
// exclusive or. Its tables cost a microsecond, so whoever calculates makes one:
// kept in the package, they would be paid for by every run of the program.
type field struct {
	exp [255]byte // the powers of 2, which are all elements but 0
	log [256]byte
}

func newField() *field {
	var f field
	x := byte(1)
	for i := range byte(255) {
		f.exp[i], f.log[x] = x, i
		x = x<<1 ^ x>>7*0x1d
	}
	return &f
}

func (f *field) times(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return f.exp[(int(f.log[a])+int(f.log[b]))%255]
}

// power returns 2 to the power of n, which may be negative.
func (f *field) power(n int) byte { return f.exp[(n%255+255)%255] }

// over returns a divided by b, which is not 0.
func (f *field) over(a, b byte) byte {
	return f.times(a, f.power(-int(f.log[b])))
}

// at returns the value of a polynomial, given lowest power first.
func (f *field) at(poly []byte, x byte) byte {
	sum := byte(0)
	for i := len(poly) - 1; i >= 0; i-- {
		sum = f.times(sum, x) ^ poly[i]
	}
	return sum
}
