package profile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The AWS CLI and boto3 read their config with Python's configparser, and what a line means to it
// depends on the lines before: one that is indented deeper than the option above it continues that
// option, even if it looks like a header or an option of its own.

// kind is what a line is.
type kind int

const (
	headerLine    kind = iota // [text]
	optionLine                // anything else that stands by itself: key = value, or garbage
	continuedLine             // belongs to the option before
)

// Line is one line that is neither blank nor a comment.
type Line struct {
	Text   string // without the white space around it; of a header, what is between the brackets
	Offset int    // of the beginning of the line in the file
	At     int    // of Text in the file
	kind   kind
	indent int // white space before the text, in characters
}

// Statement is an option as it stands in a file, with the lines that continue it.
type Statement struct {
	Line
	More []Line
}

// Key returns the key of a statement in lower case, or "" if it has none. As for Python, = and :
// both end a key, and its case does not matter.
func (n Statement) Key() string { return n.key() }

// Value returns the value of a statement as its first line has it, with any inline comment.
func (n Statement) Value() string { return n.value("=:") }

func (n Line) key() string {
	i := strings.IndexAny(n.Text, "=:")
	if i < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimFunc(n.Text[:i], IsSpace))
}

// value returns what stands behind the first of the delimiters.
func (n Line) value(delimiters string) string {
	return strings.TrimFunc(n.Text[strings.IndexAny(n.Text, delimiters)+1:], IsSpace)
}

// lines reads data line by line, from pos on.
type lines struct {
	data string
	pos  int
	lf   int // offset of the next LF, if it is not before pos

	indent  int  // of the last line that was not a continuation
	section bool // a header was seen
	option  bool // an option was seen since
}

// next returns the next line, or false at the end.
func (l *lines) next() (Line, bool) {
	for l.pos < len(l.data) {
		n := Line{Offset: l.pos}
		raw := l.take()
		width := 0
		n.indent, width = indentOf(raw)
		n.At, n.Text = n.Offset+width, trimRight(raw[width:])
		if n.Text != "" && n.Text[0] != '#' && n.Text[0] != ';' {
			return l.classify(n), true
		}
	}
	return Line{}, false
}

// take returns the line at pos and moves behind it. A lone CR ends a line, too, as it does for
// Python; CR LF so gives an empty line more, which is as good as none.
func (l *lines) take() string {
	if l.lf < l.pos || l.lf == 0 {
		l.lf = len(l.data)
		if i := strings.IndexByte(l.data[l.pos:], '\n'); i >= 0 {
			l.lf = l.pos + i
		}
	}
	raw := l.data[l.pos:l.lf]
	if i := strings.IndexByte(raw, '\r'); i >= 0 {
		raw = raw[:i]
	}
	l.pos = min(l.pos+len(raw)+1, len(l.data))
	return raw
}

func (l *lines) classify(n Line) Line {
	if l.section && l.option && n.indent > l.indent {
		n.kind = continuedLine
		return n
	}
	l.indent = n.indent
	if text, ok := headerText(n.Text); ok {
		l.section, l.option = true, false
		n.kind, n.Text, n.At = headerLine, text, n.At+1
		return n
	}
	l.option = true
	n.kind = optionLine
	return n
}

// skip passes over lines that cannot begin a section: below an option at the margin, only a bracket
// at the margin can. Without it, a config of ten thousand profiles takes twice as long to scan.
func (l *lines) skip() {
	if l.section && !l.option && l.pos < len(l.data) && beginsOption(l.data[l.pos]) {
		l.option, l.indent = true, 0
	}
	for l.section && l.option && l.indent == 0 {
		i := strings.IndexByte(l.data[l.pos:], '[')
		if i < 0 {
			l.pos = len(l.data)
			return
		}
		l.pos += i
		if before := l.data[l.pos-1]; before == '\n' || before == '\r' {
			return
		}
		l.pos++
	}
}

// beginsOption reports whether a line that begins with c is certainly an option, or garbage, at the
// margin.
func beginsOption(c byte) bool {
	return c > ' ' && c < utf8.RuneSelf && c != '[' && c != '#' && c != ';'
}

// headerText returns what is between the first bracket and the last one. What follows is ignored.
func headerText(text string) (string, bool) {
	end := strings.LastIndexByte(text, ']')
	if text[0] != '[' || end < 2 {
		return "", false
	}
	return text[1:end], true
}

// indentOf measures the white space before the text of a line, in characters and in bytes.
func indentOf(raw string) (characters, width int) {
	for width < len(raw) && (raw[width] <= ' ' || raw[width] >= utf8.RuneSelf) {
		r, size := utf8.DecodeRuneInString(raw[width:])
		if !IsSpace(r) {
			break
		}
		width += size
		characters++
	}
	return characters, width
}

// trimRight cuts the white space at the end.
func trimRight(text string) string {
	if n := len(text); n > 0 && text[n-1] > ' ' && text[n-1] < utf8.RuneSelf {
		return text
	}
	return strings.TrimRightFunc(text, IsSpace)
}

// IsSpace reports what Python's str.isspace does.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
