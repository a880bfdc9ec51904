package qr

import "strings"

// The modes of segments that are read. Not among them are Kanji, which no text of
// ours is in, and Structured Append, because a part of a seed is worse than none.
const (
	modeEnd          = 0
	modeNumeric      = 1
	modeAlphanumeric = 2
	modeByte         = 4
	modeFNC1First    = 5
	modeECI          = 7
	modeFNC1Second   = 9
)

// parser reads segments one after the other.
type parser struct {
	bitReader

	version int
	charset int // its ECI number, or 0 for none declared
	fnc1    bool
	text    strings.Builder
}

// parse returns the text that the data of a code spell.
func parse(data []byte, version int) (string, bool) {
	p := parser{bitReader: bitReader{data: data}, version: version}
	for p.left() >= 4 { // what is shorter needs no end
		mode := p.take(4)
		if mode == modeEnd {
			break
		}
		if !p.segment(mode) || p.short {
			return "", false
		}
	}
	return p.text.String(), true
}

// segment reads what follows mode, and reports whether it is known and valid.
func (p *parser) segment(mode int) bool {
	switch mode {
	case modeNumeric:
		return p.numeric(p.count(10, 12, 14))
	case modeAlphanumeric:
		return p.alphanumeric(p.count(9, 11, 13))
	case modeByte:
		return p.bytes(p.count(8, 16, 16))
	case modeECI:
		p.charset = p.designator()
	case modeFNC1First:
		p.fnc1 = true
	case modeFNC1Second:
		p.fnc1 = true
		p.take(8) // which application the text is for
	default:
		return false
	}
	return true
}

// count reads the number of characters, whose own length depends on the version.
func (p *parser) count(small, medium, large int) int {
	switch {
	case p.version <= 9:
		return p.take(small)
	case p.version <= 26:
		return p.take(medium)
	}
	return p.take(large)
}

// numeric reads digits: three from ten bits, a rest of two from seven, of one from four.
func (p *parser) numeric(count int) bool {
	for ; count > 0 && !p.short; count -= 3 {
		digits, limit := min(count, 3), 10
		for range digits - 1 {
			limit *= 10
		}
		value := p.take(3*digits + 1)
		if value >= limit {
			return false
		}
		for limit /= 10; limit > 0; limit /= 10 {
			p.text.WriteByte("0123456789"[value/limit%10])
		}
	}
	return true
}

// alphanumeric reads characters: two from eleven bits, a last one from six.
func (p *parser) alphanumeric(count int) bool {
	const characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	var text strings.Builder
	for ; count > 1 && !p.short; count -= 2 {
		value := p.take(11)
		if value >= 45*45 {
			return false
		}
		text.WriteByte(characters[value/45])
		text.WriteByte(characters[value%45])
	}
	if count == 1 {
		value := p.take(6)
		if value >= 45 {
			return false
		}
		text.WriteByte(characters[value])
	}
	if p.fnc1 { // a lone % separates fields
		_, _ = strings.NewReplacer("%%", "%", "%", "\x1d").WriteString(&p.text, text.String())
	} else {
		p.text.WriteString(text.String())
	}
	return true
}

// bytes reads bytes of the character set.
func (p *parser) bytes(count int) bool {
	for ; count > 0 && !p.short; count-- {
		value := p.take(8)
		switch {
		case p.charset == latin1 || p.charset == latin1Old:
			p.text.WriteRune(rune(value)) //nolint:gosec // eight bits
		case asIs(p.charset) || value < 0x80 && extendsASCII(p.charset):
			p.text.WriteByte(byte(value)) //nolint:gosec // eight bits
		default:
			return false
		}
	}
	return true
}

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

// The ECI numbers of ISO 8859-1.
const (
	latin1Old = 1
	latin1    = 3
)

// asIs reports whether texts of a character set, given by its ECI number, are
// taken unchanged: UTF-8, ASCII, binary, and what declares none, which is UTF-8 in
// practice whatever the standard says.
func asIs(charset int) bool {
	const (
		none   = 0
		utf8   = 26
		ascii  = 27
		binary = 899
	)
	return charset == none || charset == utf8 || charset == ascii || charset == binary
}

// extendsASCII reports whether bytes below 0x80 mean what they do in ASCII, as long as
// there are no others: so it is in all code pages and Asian sets up to number 32, but
// for UTF-16.
func extendsASCII(charset int) bool {
	const utf16, gb18030 = 25, 32
	return charset <= gb18030 && charset != utf16
}
