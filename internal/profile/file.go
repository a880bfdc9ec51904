package profile

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// dialect tells the two kinds of files apart.
type dialect int

const (
	awsConfig dialect = iota // [profile NAME], [default], [services NAME]
	ownConfig                // profiles.ini: [NAME]
)

// file is a config, scanned for its sections but not parsed.
type file struct {
	path    string
	dialect dialect
	data    []byte
	headers []header
	// odd are the headers that are not plain, once anybody needs them.
	odd []oddHeader
}

// oddHeader is a header that had to be interpreted.
type oddHeader struct {
	header
	title
}

// span is a part of the data.
type span struct{ from, to int32 }

// header is where one section is. It holds no pointers, and scanning makes no
// other allocation than the list of them.
type header struct {
	text   span  // between the brackets
	name   span  // of a plain header: the profile's name; else empty
	body   span  // from behind the header's line to the next header
	line   int32 // offset of the header's line
	indent int32 // of the header's line
}

// isPlain reports whether the header's name needs no interpretation.
func (h *header) isPlain() bool { return h.name.from < h.name.to }

// loadFile reads and scans the file at path.
func loadFile(path string, d dialect) (*file, error) {
	data, info, err := read(path, d == ownConfig)
	if err == nil && info != nil && d == ownConfig {
		err = checkOwnDir(path)
	}
	if err != nil {
		return nil, err
	}
	return newFile(path, d, data)
}

// newFile scans data, the content of the file at path. A byte order mark is no part of what
// the file then holds.
func newFile(path string, d dialect, data []byte) (*file, error) {
	if isUTF16(data) {
		return nil, fault.New(fault.Config, path, "save it as UTF-8", "is UTF-16")
	}
	f := &file{path: path, dialect: d, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}
	return f, f.scan()
}

// isUTF16 reports a byte order mark of UTF-16, or a zero byte where ASCII text in
// UTF-16 has one.
func isUTF16(data []byte) bool {
	if len(data) < 2 {
		return false
	}
	mark := string(data[:2])
	return mark == "\xff\xfe" || mark == "\xfe\xff" || data[0] == 0 && data[1] != 0 || data[0] != 0 && data[1] == 0
}

// scan finds the headers.
func (f *file) scan() error {
	const typical = 96 // bytes of a section
	f.headers = make([]header, 0, len(f.data)/typical+1)
	l := lines{data: f.data}
	for {
		l.skip()
		n, ok := l.header()
		if !ok {
			n, ok = l.next()
		}
		switch {
		case !ok:
			f.endBody(len(f.data))
			return nil
		case n.kind == headerLine:
			f.endBody(n.offset)
			f.headers = append(f.headers, f.header(n, l.pos))
		case !l.section:
			return f.fault(n.offset, "begin with a header such as [default]", "there is an option before the first [section]")
		}
	}
}

// endBody ends the last section found so far.
func (f *file) endBody(end int) {
	if n := len(f.headers); n > 0 {
		f.headers[n-1].body.to = int32(end) //nolint:gosec // below maxSize
	}
}

// header describes the section that begins in line n, and whose body begins at
// offset body.
func (f *file) header(n line, body int) header {
	h := header{
		text:   newSpan(n.at, n.at+len(n.text)),
		body:   newSpan(body, body),
		line:   int32(n.offset), //nolint:gosec // below maxSize
		indent: int32(n.indent), //nolint:gosec // below maxSize
	}
	if f.dialect == awsConfig {
		h.name = newSpan(n.at+len(n.text)-len(plainName(n.text)), n.at+len(n.text))
		return h
	}
	right := bytes.TrimRight(n.text, " \t")
	h.name = newSpan(n.at+len(right)-len(bytes.TrimLeft(right, " \t")), n.at+len(right))
	return h
}

func newSpan(from, to int) span {
	return span{int32(from), int32(to)} //nolint:gosec // below maxSize
}

func (f *file) bytes(s span) []byte { return f.data[s.from:s.to] }

// oddHeaders returns the headers that are not plain.
func (f *file) oddHeaders() []oddHeader {
	if f.odd != nil {
		return f.odd
	}
	f.odd = []oddHeader{}
	for i := range f.headers {
		if h := &f.headers[i]; !h.isPlain() {
			f.odd = append(f.odd, oddHeader{*h, parseTitle(string(f.bytes(h.text)))})
		}
	}
	return f.odd
}

// names returns the names of all profiles, as often as they occur.
func (f *file) names() []string {
	return f.namesWhere(func(*header) bool { return true })
}

// namesWhere returns the names of the profiles whose header passes.
func (f *file) namesWhere(passes func(*header) bool) []string {
	var names []string
	for i := range f.headers {
		if h := &f.headers[i]; h.isPlain() && passes(h) {
			names = append(names, string(f.bytes(h.name)))
		}
	}
	for _, h := range f.oddHeaders() {
		if h.class == profileSection && passes(&h.header) {
			names = append(names, h.title.name)
		}
	}
	return names
}

// find returns the headers of the section that is wanted, in the order of the file.
//
// Where two spellings mean the same profile ([default] and [profile default]),
// botocore takes the last one and drops the other. Where one spelling is repeated, it
// refuses the file and the other SDKs merge, as we do.
func (f *file) find(c class, name string) (found []header, replaced bool) {
	strict, loose := f.findPlain(c, name), []header(nil)
	for _, h := range f.oddHeaders() {
		switch {
		case h.class != c || h.title.name != name:
		case h.loose:
			loose = append(loose, h.header)
		default:
			strict = append(strict, h.header)
		}
	}
	if len(strict) == 0 {
		strict = loose
	}
	slices.SortFunc(strict, func(a, b header) int { return int(a.line - b.line) })
	return f.lastSpelling(strict)
}

func (f *file) findPlain(c class, name string) (found []header) {
	if c != profileSection {
		return nil
	}
	for i := range f.headers {
		if h := &f.headers[i]; h.isPlain() && string(f.bytes(h.name)) == name {
			found = append(found, *h)
		}
	}
	return found
}

// lastSpelling keeps the headers that read exactly as the last one.
func (f *file) lastSpelling(all []header) (found []header, replaced bool) {
	if len(all) < 2 || f.dialect == ownConfig {
		return all, false
	}
	last := f.bytes(all[len(all)-1].text)
	for _, h := range all {
		if bytes.Equal(f.bytes(h.text), last) {
			found = append(found, h)
		}
	}
	return found, len(found) < len(all)
}

// place returns "path:line" of an offset.
func (f *file) place(offset int) string {
	before := f.data[:offset]
	// A CR that no LF follows ends a line as well.
	n := 1 + bytes.Count(before, []byte("\n")) + bytes.Count(before, []byte("\r")) - bytes.Count(before, []byte("\r\n"))
	return f.path + ":" + strconv.Itoa(n)
}

func (f *file) fault(offset int, remedy, format string, args ...any) error {
	return fault.New(fault.Config, f.place(offset), remedy, format, args...)
}

// unclosed returns the place of a header of the profile that lacks its closing
// bracket, or "".
func (f *file) unclosed(name string) string {
	for l := (lines{data: f.data}); ; {
		n, ok := l.next()
		if !ok {
			return ""
		}
		if n.kind == optionLine && n.text[0] == '[' && strings.HasSuffix(string(n.text), name) {
			return f.place(n.offset)
		}
	}
}
