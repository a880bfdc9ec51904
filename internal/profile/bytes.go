package profile

import "bytes"

// The lines of an edit end with LF or CR LF: a lone CR has been refused before.

// lineEnd returns the offset behind the line, line end included, that begins at or
// goes through offset at.
func lineEnd(data []byte, at int) int {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(data)
}

// textEnd returns the offset of the line end of the line that begins at offset at.
func textEnd(data []byte, at int) int {
	end := lineEnd(data, at)
	return end - trailingEOL(data[at:end])
}

// trailingEOL returns the length of the line end that text ends with.
func trailingEOL(text []byte) int {
	switch {
	case bytes.HasSuffix(text, []byte("\r\n")):
		return 2
	case bytes.HasSuffix(text, []byte("\n")):
		return 1
	}
	return 0
}

// leadingEOL returns the length of the line end that text begins with.
func leadingEOL(text []byte) int {
	switch {
	case bytes.HasPrefix(text, []byte("\r\n")):
		return 2
	case bytes.HasPrefix(text, []byte("\n")):
		return 1
	}
	return 0
}

// emptyLine returns the length of the last line of text if nothing is in it but its
// line end, else 0.
func emptyLine(text []byte) int {
	n := trailingEOL(text)
	rest := text[:len(text)-n]
	if n > 0 && (len(rest) == 0 || rest[len(rest)-1] == '\n') {
		return n
	}
	return 0
}

// cutLine returns data without the line that begins at offset at.
func cutLine(data []byte, at int) []byte { return cut(data, at, lineEnd(data, at)) }

// cut returns data without the lines from offset from to offset to. Where the last line
// had no line end, the one that is the last now has none, either.
func cut(data []byte, from, to int) []byte {
	if to == len(data) && from < to && data[to-1] != '\n' {
		from -= trailingEOL(data[:from])
	}
	return append(bytes.Clone(data[:from]), data[to:]...)
}
