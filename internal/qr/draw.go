package qr

import "slices"

// drawCode returns the smallest code of text with the mask that suits it best, or false
// if it is too long for one.
func drawCode(text string) (symbol, bool) {
	version, l, ok := choose(len(text))
	if !ok {
		return symbol{}, false
	}
	plain := compose(text, version, l)
	best := plain.masked(codeFormat{l, 0})
	least := best.penalty()
	for mask := 1; mask < 8; mask++ {
		other := plain.masked(codeFormat{l, mask})
		if penalty := other.penalty(); penalty < least {
			best, least = other, penalty
		}
	}
	return best, true
}

// compose returns a code of text that it has room for, without mask and format.
func compose(text string, version int, l level) symbol {
	s, layout := newSymbol(version), newLayout(version, l)
	s.write(layout.protect(payload(text, version, layout.capacity())))
	return s
}

// masked returns a copy of s with a mask, and the format that names it.
func (s symbol) masked(f codeFormat) symbol {
	s.dark = slices.Clone(s.dark)
	s.mask(f.mask)
	s.setFormat(f)
	return s
}

// choose returns the smallest version that has room for a text with level M, or L if
// that is none, and the highest level that it then has room for.
func choose(length int) (version int, l level, ok bool) {
	for _, l := range [2]level{levelM, levelL} {
		for version := 1; version <= maxVersion; version++ {
			if length > room(version, l) {
				continue
			}
			for l < levelH && length <= room(version, l+1) {
				l++
			}
			return version, l, true
		}
	}
	return 0, 0, false
}

// room returns how many bytes of text a code holds.
func room(version int, l level) int {
	// The segment's mode has half a byte, as its end has.
	return newLayout(version, l).capacity() - 1 - len(count(version, 0))
}

// count returns the length of a text as it is written in front of it.
func count(version, length int) []byte {
	if version <= 9 {
		return []byte{byte(length)} //nolint:gosec // no more fit in
	}
	return []byte{byte(length >> 8), byte(length)} //nolint:gosec // 2953 at most
}

// payload returns text as one segment of bytes, filled up to the capacity.
func payload(text string, version, capacity int) []byte {
	list := make([]byte, 0, capacity)
	previous := byte(modeByte)
	for _, b := range append(count(version, len(text)), text...) {
		list = append(list, previous<<4|b>>4)
		previous = b
	}
	list = append(list, previous<<4|modeEnd)
	for filler := byte(0xec); len(list) < capacity; filler ^= 0xec ^ 0x11 {
		list = append(list, filler)
	}
	return list
}
