package profile

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// The AWS CLI and boto3 read their config with Python's configparser, and what a
// line means to it depends on the lines before: one that is indented deeper than
// the option above it continues that option, even if it looks like a header or an
// option of its own.

// kind is what a line is.
type kind int

const (
	headerLine    kind = iota // [text]
	optionLine                // anything else that stands by itself: key = value, or garbage
	continuedLine             // belongs to the option before
)

// line is one line that is neither blank nor a comment.
type line struct {
	kind   kind
	text   []byte // without the white space around it; of a header, what is between the brackets
	at     int    // offset of the text in the file
	offset int    // of the beginning of the line in the file
	indent int    // white space before the text, in characters
}

// lines reads data line by line, from pos on.
type lines struct {
	data []byte
	pos  int
	lf   int // offset of the next LF, if it is not before pos

	indent  int  // of the last line that was not a continuation
	section bool // a header was seen
	option  bool // an option was seen since
}

// next returns the next line, or false at the end.
func (l *lines) next() (line, bool) {
	for l.pos < len(l.data) {
		n := line{offset: l.pos}
		raw := l.take()
		width := 0
		n.indent, width = indentOf(raw)
		n.at = n.offset + width
		n.text = trimRight(raw[width:])
		if len(n.text) > 0 && n.text[0] != '#' && n.text[0] != ';' {
			return l.classify(n), true
		}
	}
	return line{}, false
}

// take returns the line at pos and moves behind it. A lone CR ends a line, too, as
// it does for Python; CR LF so gives an empty line more, which is as good as none.
func (l *lines) take() []byte {
	if l.lf < l.pos || l.lf == 0 {
		l.lf = len(l.data)
		if i := bytes.IndexByte(l.data[l.pos:], '\n'); i >= 0 {
			l.lf = l.pos + i
		}
	}
	raw := l.data[l.pos:l.lf]
	if i := bytes.IndexByte(raw, '\r'); i >= 0 {
		raw = raw[:i]
	}
	l.pos = min(l.pos+len(raw)+1, len(l.data))
	return raw
}

func (l *lines) classify(n line) line {
	if l.section && l.option && n.indent > l.indent {
		n.kind = continuedLine
		return n
	}
	l.indent = n.indent
	if text, ok := headerText(n.text); ok {
		l.section, l.option = true, false
		n.kind, n.text, n.at = headerLine, text, n.at+1
		return n
	}
	l.option = true
	n.kind = optionLine
	return n
}

// skip moves on to the next line that may be a header, which is quick as long as no
// indentation is in play: below an option at the margin, only a bracket at the margin begins
// a section. It changes nothing about the headers that next returns.
func (l *lines) skip() {
	if l.section && !l.option && l.pos < len(l.data) && beginsOption(l.data[l.pos]) {
		l.option, l.indent = true, 0
	}
	for l.option && l.section && l.indent == 0 {
		i := bytes.IndexByte(l.data[l.pos:], '[')
		if i < 0 {
			l.pos = len(l.data)
			return
		}
		l.pos += i
		if atMargin(l.data, l.pos) {
			return
		}
		l.pos++
	}
}

// header takes the line at pos if it is a header as nearly all are: at the margin and
// with nothing behind it. It does what next does, but quicker.
func (l *lines) header() (line, bool) {
	rest := l.data[l.pos:]
	end := bytes.IndexByte(rest, '\n')
	if end < 3 || rest[0] != '[' || rest[end-1] != ']' || bytes.IndexByte(rest[:end], '\r') >= 0 {
		return line{}, false
	}
	n := line{kind: headerLine, text: rest[1 : end-1], at: l.pos + 1, offset: l.pos}
	l.pos += end + 1
	l.section, l.option, l.indent = true, false, 0
	return n, true
}

// beginsOption reports whether a line that begins with c is certainly an option, or
// garbage, at the margin.
func beginsOption(c byte) bool {
	return c > ' ' && c < utf8.RuneSelf && c != '[' && c != '#' && c != ';'
}

func atMargin(data []byte, i int) bool {
	return i == 0 || data[i-1] == '\n' || data[i-1] == '\r'
}

// headerText returns what is between the first bracket and the last one. What
// follows is ignored.
func headerText(text []byte) ([]byte, bool) {
	end := bytes.LastIndexByte(text, ']')
	if text[0] != '[' || end < 2 {
		return nil, false
	}
	return text[1:end], true
}

// indentOf measures the white space before the text of a line, in characters and in
// bytes.
func indentOf(raw []byte) (characters, width int) {
	for width < len(raw) && (raw[width] <= ' ' || raw[width] >= utf8.RuneSelf) {
		r, size := utf8.DecodeRune(raw[width:])
		if !isSpace(r) {
			break
		}
		width += size
		characters++
	}
	return characters, width
}

// trimRight cuts the white space at the end.
func trimRight(text []byte) []byte {
	if n := len(text); n > 0 && text[n-1] > ' ' && text[n-1] < utf8.RuneSelf {
		return text
	}
	return bytes.TrimRightFunc(text, isSpace)
}

// isSpace is Python's str.isspace.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
