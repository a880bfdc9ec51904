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
func (n Statement) Key() string {
	i := max(0, strings.IndexAny(n.Text, "=:"))
	return strings.ToLower(strings.TrimFunc(n.Text[:i], IsSpace))
}

// Value returns the value of a statement as its first line has it, with any inline comment.
func (n Statement) Value() string { return n.value("=:") }

// value returns what stands behind the first of the delimiters.
func (n Line) value(delimiters string) string {
	return strings.TrimFunc(n.Text[strings.IndexAny(n.Text, delimiters)+1:], IsSpace)
}

// lines reads data line by line, from pos on.
type lines struct {
	data string
	pos  int

	indent  int  // of the last line that was not a continuation
	section bool // a header was seen
	option  bool // an option was seen since
}

// next makes n the next line, or returns false at the end. A lone CR ends a line, too, as it does for
// Python; CR LF so gives an empty line more, which is as good as none.
func (l *lines) next(n *Line) bool {
	for l.pos < len(l.data) {
		raw := l.data[l.pos:]
		*n = Line{Offset: l.pos}
		for i := range len(raw) {
			if raw[i] == '\n' || raw[i] == '\r' {
				raw = raw[:i]
				break
			}
		}
		l.pos = min(l.pos+len(raw)+1, len(l.data))
		n.Text = raw
		if raw != "" && (mayBeSpace(raw[0]) || mayBeSpace(raw[len(raw)-1])) {
			text := strings.TrimLeftFunc(raw, IsSpace)
			n.At, n.indent = len(raw)-len(text), utf8.RuneCountInString(raw[:len(raw)-len(text)])
			n.Text = strings.TrimRightFunc(text, IsSpace)
		}
		n.At += n.Offset
		if n.Text != "" && n.Text[0] != '#' && n.Text[0] != ';' {
			l.classify(n)
			return true
		}
	}
	return false
}

func (l *lines) classify(n *Line) {
	if l.section && l.option && n.indent > l.indent {
		n.kind = continuedLine
		return
	}
	l.indent = n.indent
	n.kind = optionLine
	if text, ok := headerText(n.Text); ok {
		n.kind, n.Text, n.At = headerLine, text, n.At+1
		l.section = true
	}
	l.option = n.kind == optionLine
}

// skip passes over lines that cannot begin a section: below an option at the margin, only a bracket
// at the margin can. Without it, a config of ten thousand profiles takes twice as long to scan.
func (l *lines) skip() {
	if l.section && !l.option && l.pos < len(l.data) {
		if c := l.data[l.pos]; c > ' ' && c < utf8.RuneSelf && c != '[' && c != '#' && c != ';' {
			l.option, l.indent = true, 0
		}
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

// headerText returns what is between the first bracket and the last one. What follows is ignored.
func headerText(text string) (string, bool) {
	end := strings.LastIndexByte(text, ']')
	if text[0] != '[' || end < 2 {
		return "", false
	}
	return text[1:end], true
}

// mayBeSpace reports a byte that may be, or belong to, white space: to ask IsSpace about each line takes longer.
func mayBeSpace(c byte) bool { return c <= ' ' || c >= utf8.RuneSelf }

// IsSpace reports what Python's str.isspace does.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
