package qr

import "slices"

// field is the Galois field of 256 elements that QR codes count in: polynomials
// over two elements, modulo x^8+x^4+x^3+x^2+1. Sums and differences are the
// exclusive or. Whoever calculates makes one, in a microsecond.
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

// correct puts right up to limit wrong codewords of a block, the last n of which are
// for error correction, and n at least twice limit. It reports false if more are
// wrong, but, very rarely, takes the block for another that is as near.
func (f *field) correct(block []byte, n, limit int) bool {
	syndromes, clean := f.syndromes(block, n)
	if clean {
		return true
	}
	locator, wrong := f.locator(syndromes)
	if wrong > limit {
		return false
	}
	var places []int
	for i := range block {
		if f.at(locator, f.mark(block, i)) == 0 {
			places = append(places, i)
		}
	}
	if len(places) != wrong {
		return false // some of them would lie outside of the block
	}
	f.repair(block, places, f.product(syndromes, locator)[:n], locator)
	return true
}

// mark returns the inverse of the element that stands for a place in block.
func (f *field) mark(block []byte, place int) byte { return f.power(place + 1 - len(block)) }

// repair subtracts the error at each place: the quotient of the evaluator, which is
// the locator times the syndromes, and of the odd powers of the locator, after Forney.
func (f *field) repair(block []byte, places []int, evaluator, locator []byte) {
	odd := slices.Clone(locator)
	for i := 0; i < len(odd); i += 2 {
		odd[i] = 0
	}
	for _, place := range places {
		x := f.mark(block, place)
		block[place] ^= f.over(f.at(evaluator, x), f.at(odd, x))
	}
}

// syndromes returns the values of block, as a polynomial, at the roots of the
// generator. All are 0 if it is clean.
func (f *field) syndromes(block []byte, n int) (values []byte, clean bool) {
	backwards := slices.Clone(block)
	slices.Reverse(backwards)
	values, clean = make([]byte, n), true
	for i := range values {
		values[i] = f.at(backwards, f.power(i))
		clean = clean && values[i] == 0
	}
	return values, clean
}

// locator returns the polynomial whose roots tell where errors are, and how many
// these are: the shortest recurrence that makes the syndromes, found by the algorithm
// of Berlekamp and Massey.
func (f *field) locator(syndromes []byte) (poly []byte, errors int) {
	poly = []byte{1}
	before := []byte{1} // what poly was when errors last rose, divided by its deviation
	for i := range syndromes {
		before = append([]byte{0}, before...) // times x
		deviation := byte(0)
		for j, factor := range poly {
			deviation ^= f.times(factor, syndromes[i-j])
		}
		if deviation == 0 {
			continue
		}
		next := f.sum(poly, f.product(before, []byte{deviation}))
		if 2*errors <= i {
			errors = i + 1 - errors
			before = f.product(poly, []byte{f.over(1, deviation)})
		}
		poly = next
	}
	return poly, errors
}

func (*field) sum(a, b []byte) []byte {
	sum := make([]byte, max(len(a), len(b)))
	copy(sum, a)
	for i, v := range b {
		sum[i] ^= v
	}
	return sum
}

func (f *field) product(a, b []byte) []byte {
	product := make([]byte, len(a)+len(b)-1)
	for i, v := range a {
		for j, w := range b {
			product[i+j] ^= f.times(v, w)
		}
	}
	return product
}
