package profile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// edit is a file of which the section of one profile is being changed. Every byte
// outside the lines that change stays as it is: comments, order, line ends, byte order mark,
// a missing newline at the end. New lines end as the line before them does.
type edit struct {
	name   string // of the profile
	file   *file  // as it is by now
	before *file  // as it was
	mark   []byte // the byte order mark, if there is one
}

// newEdit begins to edit content, that of the file at path. It refuses what the reader
// refuses, and, in the whole file, bytes that make it a guess where a line ends.
func newEdit(path string, d dialect, content []byte, name string) (*edit, error) {
	f, err := newFile(path, d, content)
	if err != nil {
		return nil, err
	}
	if err := f.checkBytes(0, int32(len(f.data))); err != nil { //nolint:gosec // below maxSize
		return nil, err
	}
	return &edit{name, f, f, bytes.Clone(content[:len(content)-len(f.data)])}, nil
}

// content returns the file with all changes, once it is sure that no other section
// has changed its meaning: in a file with odd indentation, a header can be one only because of the
// line above it.
func (e *edit) content() ([]byte, error) {
	if !bytes.Equal(e.file.others(e.name), e.before.others(e.name)) {
		return nil, fault.New(fault.Config, e.file.path, "begin all section headers at the margin", "its indentation is such that a change of one section would change another")
	}
	return slices.Concat(e.mark, e.file.data), nil
}

// others returns what stands in the sections that are not of the profile name, without
// white space, comments and indentation.
func (f *file) others(name string) []byte {
	mine := make(map[int32]bool)
	for _, h := range f.spellings(name) {
		mine[h.line] = true
	}
	var b bytes.Buffer
	for _, h := range f.headers {
		if mine[h.line] {
			continue
		}
		b.WriteString("\n[" + string(f.bytes(h.text)))
		for _, n := range statements(f.data, h) {
			b.WriteString("\n" + string(n.text))
			for _, more := range n.more {
				b.WriteString("\n ")
				b.Write(more.text)
			}
		}
	}
	return b.Bytes()
}

// spellings returns the headers of the profile in all its spellings, those the reader
// passes over as well, in the order of the file.
func (f *file) spellings(name string) []header {
	all := f.findPlain(profileSection, name)
	for _, h := range f.oddHeaders() {
		if h.class == profileSection && h.title.name == name {
			all = append(all, h.header)
		}
	}
	slices.SortFunc(all, func(a, b header) int { return int(a.line - b.line) })
	return all
}

// last returns the statement that gives key its value in the profile, as the reader
// has it.
func (f *file) last(name, key string) (found statement, ok bool) {
	headers, _ := f.find(profileSection, name)
	for _, h := range headers {
		for _, n := range statements(f.data, h) {
			if n.key() == key {
				found, ok = n, true
			}
		}
	}
	return found, ok
}

// set gives key the value. If it stands there already, the value is replaced where
// the reader finds it; else a line is added behind the section's last option, and if there is no
// section, one at the end of the file, behind a blank line.
func (e *edit) set(key, value string) error {
	if err := checkWritable(key, value); err != nil {
		return err
	}
	headers, _ := e.file.find(profileSection, e.name)
	old, ok := e.file.last(e.name, key)
	var err error
	switch {
	case len(headers) == 0:
		err = e.create(key, value)
	case !ok:
		err = e.insert(headers[len(headers)-1], key, value)
	default:
		err = e.replace(old, e.file.restated(old, key, value))
	}
	if err != nil {
		return err
	}
	if n, _ := e.file.last(e.name, key); len(n.more) > 0 || n.key() != key || n.value() != value {
		return fault.New(fault.Config, e.file.path, "edit the file by hand", "%s of %s cannot be written so that it is read back", key, quoted(e.name))
	}
	return nil
}

// restated returns the line of n with another value. Where the key is spelled in
// another case, which some SDKs do not know, the whole line is new.
func (f *file) restated(n statement, key, value string) string {
	i := bytes.IndexAny(n.text, "=:")
	if spelled := bytes.TrimFunc(n.text[:i], isSpace); string(spelled) != key {
		return string(f.data[n.offset:n.at]) + key + " = " + value
	}
	behind := n.text[i+1:]
	space := string(behind[:len(behind)-len(bytes.TrimLeft(behind, " \t"))])
	if space == "" && i > 0 && n.text[i-1] == ' ' {
		space = " "
	}
	return string(f.data[n.offset:n.at+i+1]) + space + value
}

// replace puts text in the place of a statement's first line and takes the lines that
// continue it away. Nothing happens if that is what stands there.
func (e *edit) replace(n statement, text string) error {
	if n.reads(text) {
		return nil
	}
	data := e.file.data
	for _, more := range slices.Backward(n.more) {
		data = cutLine(data, more.offset)
	}
	return e.splice(data, n.offset, textEnd(data, n.offset), text)
}

// reads reports whether the statement is this one line, but for white space at its ends.
func (n statement) reads(text string) bool {
	return len(n.more) == 0 && string(n.text) == strings.TrimFunc(text, isSpace)
}

// insert adds a line behind the last option under h. It is indented like that option, or
// else like the header that follows: so it neither continues a line nor makes the header
// continue it.
func (e *edit) insert(h header, key, value string) error {
	data := e.file.data
	at, indent := lineEnd(data, int(h.line)), data[h.body.to:]
	_, width := indentOf(indent)
	indent = indent[:width]
	if all := statements(data, h); len(all) > 0 {
		last := all[len(all)-1]
		at, indent = lineEnd(data, last.end()), data[last.offset:last.at]
	}
	text, eol := string(indent)+key+" = "+value, e.eol(at)
	if at > 0 && data[at-1] != '\n' {
		return e.splice(data, at, at, eol+text)
	}
	return e.splice(data, at, at, text+eol)
}

// create adds a section with one key. Exactly one blank line goes before it, also behind
// one that is there, so that removeSection can take it back. The SDK for Go does not see a header
// right behind a byte order mark.
func (e *edit) create(key, value string) error {
	head, err := headerOf(e.file.dialect, e.name)
	if err != nil {
		return err
	}
	data := e.file.data
	eol := e.eol(len(data))
	text := head + eol + key + " = " + value
	switch {
	case len(data)+len(e.mark) == 0:
		text += eol
	case len(data) == 0, data[len(data)-1] == '\n':
		text = eol + text + eol
	default:
		text = eol + eol + text
	}
	return e.splice(data, len(data), len(data), text)
}

// remove deletes key in all spellings of the section, with the lines that continue it.
// Comments stay.
func (e *edit) remove(key string) error {
	var all []line
	for _, h := range e.file.spellings(e.name) {
		for _, n := range statements(e.file.data, h) {
			if n.key() == key {
				all = append(append(all, n.line), n.more...)
			}
		}
	}
	data := e.file.data
	for _, n := range slices.Backward(all) {
		data = cutLine(data, n.offset)
	}
	return e.rescan(data)
}

// removeSection deletes the section in all its spellings: from each header to its last
// option, with the comments between them, and a blank line before it, or behind it at the
// beginning of the file. What stands behind the last option may be about what
// follows, so it stays.
func (e *edit) removeSection() error {
	data := e.file.data
	for _, h := range slices.Backward(e.file.spellings(e.name)) {
		from, last := int(h.line), int(h.line)
		if all := statements(e.file.data, h); len(all) > 0 {
			last = all[len(all)-1].end()
		}
		to := lineEnd(data, last)
		if n := emptyLine(data[:from]); n > 0 {
			from -= n
		} else if from == 0 {
			to += leadingEOL(data[to:])
		}
		data = cut(data, from, to)
	}
	return e.rescan(data)
}

// removeIfEmpty deletes the section if no option is left in it. Comments stay.
func (e *edit) removeIfEmpty() error {
	for _, h := range e.file.spellings(e.name) {
		if len(statements(e.file.data, h)) > 0 {
			return nil
		}
	}
	return e.removeSection()
}

// splice replaces a part of data and has the result scanned.
func (e *edit) splice(data []byte, from, to int, text string) error {
	return e.rescan(slices.Concat(data[:from], []byte(text), data[to:]))
}

func (e *edit) rescan(data []byte) error {
	if len(data) > maxSize {
		return tooLarge(e.file.path)
	}
	f := &file{path: e.file.path, dialect: e.file.dialect, data: data}
	e.file = f
	return f.scan()
}

// eol returns the line end of the last line that ends before offset at.
func (e *edit) eol(at int) string {
	i := bytes.LastIndexByte(e.file.data[:at], '\n')
	if i > 0 && e.file.data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// end returns the offset of the last line of a statement.
func (n statement) end() int {
	if len(n.more) > 0 {
		return n.more[len(n.more)-1].offset
	}
	return n.offset
}
