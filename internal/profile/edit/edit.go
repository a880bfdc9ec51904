package edit

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// edit is a file of which the section of one profile is being changed. Every byte outside the
// lines that change stays as it is: comments, order, line ends, byte order mark, a missing newline
// at the end. New lines end as the line before them does.
type edit struct {
	name    string // of the profile
	dialect profile.Dialect
	file    *profile.File // as it is by now
	before  *profile.File // as it was
	mark    string        // the byte order mark, if there is one
}

// newEdit begins to edit content, that of the file at path. It refuses what the reader refuses,
// and, in the whole file, bytes that make it a guess where a line ends.
func newEdit(path string, d profile.Dialect, content, name string) (*edit, error) {
	f, err := profile.Parse(path, d, content)
	if err != nil {
		return nil, err
	}
	if err := f.CheckBytes(0, len(f.Data)); err != nil {
		return nil, err
	}
	return &edit{name, d, f, f, content[:len(content)-len(f.Data)]}, nil
}

// content returns the file with all changes, once it is sure that no other section has changed its
// meaning: in a file with odd indentation, a header can be one only because of the line above it.
func (e *edit) content() (string, error) {
	if others(e.file, e.name) != others(e.before, e.name) {
		return "", e.tangled()
	}
	return e.mark + e.file.Data, nil
}

func (e *edit) tangled() error {
	return fault.New(fault.Config, e.file.Path, "begin all section headers at the margin", "because of its indentation, changing one section would change another")
}

// others returns what stands in the sections that are not of the profile name, without white
// space, comments and indentation.
func others(f *profile.File, name string) string {
	mine := f.Spellings(name)
	var b strings.Builder
	for _, h := range f.Headers() {
		if slices.Contains(mine, h) {
			continue
		}
		b.WriteString("\n[" + h.Text)
		for _, n := range f.Statements(h) {
			b.WriteString("\n" + n.Text)
			for _, more := range n.More {
				b.WriteString("\n " + more.Text)
			}
		}
	}
	return b.String()
}

// checkSection refuses a section that not all SDKs would read alike: what is written into it would
// reach some of them only, or would become a part of something else.
func (e *edit) checkSection() error {
	all := e.file.Spellings(e.name)
	for _, h := range e.file.Headers() {
		if err := e.checkIndentedHeader(e.file.Statements(h), slices.Contains(all, h)); err != nil {
			return err
		}
	}
	for _, h := range all {
		switch {
		case h.Text != all[0].Text:
			// The AWS CLI takes the last of them, and others take the plain one.
			return e.file.Fault(h.Line, "keep one of them", "the profile has two headers that are spelled differently, and SDKs do not agree which one counts")
		case h.Loose:
			return e.file.Fault(h.Line, profile.HeaderForm(e.name), "the AWS CLI does not read a header that is spelled like this")
		}
		if err := e.checkIndent(e.file.Statements(h)); err != nil {
			return err
		}
	}
	return nil
}

const toMargin = "begin the line at the margin"

// checkIndentedHeader refuses a header that is part of a value to the AWS CLI, which compares its indentation
// with that of the line above, and the begin of a section to the SDK for Go, which does not
// (config/internal/ini/parse.go), in a section of the profile, mine, or if it is of the profile itself.
func (e *edit) checkIndentedHeader(all []profile.Statement, mine bool) error {
	for _, n := range all {
		for _, l := range n.More {
			text, _, _ := strings.Cut(strings.TrimPrefix(l.Text, "["), "]")
			if l.Text[0] == '[' && (mine || profile.Names(text, e.name)) {
				return e.file.Fault(l.Offset, toMargin, "the AWS CLI takes an indented header for part of the value above it, and other SDKs for a section")
			}
		}
	}
	return nil
}

// checkIndent refuses indented options below one without a value, which some SDKs take for part of it.
func (e *edit) checkIndent(all []profile.Statement) error {
	empty := ""
	for _, n := range all {
		if n.Value() == "" {
			empty = n.Key()
		}
		if c := e.file.Data[n.Offset]; empty != "" && (c == ' ' || c == '\t') {
			return e.file.Fault(n.Offset, toMargin, "it is indented, and some SDKs take it, or what follows, for part of %s", empty)
		}
	}
	return nil
}

// last returns the statement that gives key its value, and whether there is one.
func (e *edit) last(key string) (profile.Statement, bool) { return e.file.Last(e.name, key) }

// set gives key the value. If it stands there already, the value is replaced where the reader
// finds it; else a line is added behind the section's last option, and if there is no section, one
// at the end of the file, behind a blank line.
func (e *edit) set(key, value string) error {
	if err := checkWritable(key, value); err != nil {
		return err
	}
	headers := e.file.Find(e.name)
	old, ok := e.last(key)
	var err error
	switch {
	case len(headers) == 0:
		err = e.create(key, value)
	case !ok:
		err = e.insert(headers[len(headers)-1], key, value)
	default:
		err = e.replace(old, e.restated(old, key, value))
	}
	if err != nil {
		return err
	}
	if n, _ := e.last(key); len(n.More) > 0 || n.Key() != key || n.Value() != value {
		return e.tangled()
	}
	return nil
}

// restated returns the line of n with another value. Where the key is spelled in another case,
// which some SDKs do not know, the whole line is new.
func (e *edit) restated(n profile.Statement, key, value string) string {
	data := e.file.Data
	i := strings.IndexAny(n.Text, "=:")
	if strings.TrimFunc(n.Text[:i], profile.IsSpace) != key {
		return data[n.Offset:n.At] + key + " = " + value
	}
	behind := n.Text[i+1:]
	space := behind[:len(behind)-len(strings.TrimLeft(behind, " \t"))]
	if space == "" && i > 0 && n.Text[i-1] == ' ' {
		space = " "
	}
	return data[n.Offset:n.At+i+1] + space + value
}

// replace puts text in the place of a statement's first line and takes the lines that continue it
// away. Nothing happens if that is what stands there.
func (e *edit) replace(n profile.Statement, text string) error {
	if reads(n, text) {
		return nil
	}
	data := e.file.Data
	for _, more := range slices.Backward(n.More) {
		data = cutLine(data, more.Offset)
	}
	return e.splice(data, n.Offset, textEnd(data, n.Offset), text)
}

// reads reports whether the statement is this one line, but for white space at its ends.
func reads(n profile.Statement, text string) bool {
	return len(n.More) == 0 && n.Text == strings.TrimFunc(text, profile.IsSpace)
}

// insert adds a line behind the last option under h. It is indented like that option, or else like
// the header that follows: so it neither continues a line nor makes the header continue it.
func (e *edit) insert(h profile.Header, key, value string) error {
	data := e.file.Data
	at, indent := lineEnd(data, h.Line), ""
	if all := e.file.Statements(h); len(all) > 0 {
		last := all[len(all)-1]
		at, indent = lineEnd(data, end(last)), data[last.Offset:last.At]
	} else {
		next := data[h.End:]
		indent = next[:len(next)-len(strings.TrimLeftFunc(next, profile.IsSpace))]
	}
	text, eol := indent+key+" = "+value, e.eol(at)
	if at > 0 && data[at-1] != '\n' {
		return e.splice(data, at, at, eol+text)
	}
	return e.splice(data, at, at, text+eol)
}

// create adds a section with one key. Exactly one blank line goes before it, also behind one that
// is there, so that removeSection can take it back. The SDK for Go does not see a header right
// behind a byte order mark.
func (e *edit) create(key, value string) error {
	head, err := headerOf(e.dialect, e.name)
	if err != nil {
		return err
	}
	data := e.file.Data
	eol := e.eol(len(data))
	text := head + eol + key + " = " + value
	switch {
	case len(data)+len(e.mark) == 0:
		text += eol
	case data == "", strings.HasSuffix(data, "\n"):
		text = eol + text + eol
	default:
		text = eol + eol + text
	}
	return e.splice(data, len(data), len(data), text)
}

// remove deletes key in all spellings of the section, with the lines that continue it. Comments
// stay.
func (e *edit) remove(key string) error {
	var all []profile.Line
	for _, n := range e.file.Statements(e.file.Spellings(e.name)...) {
		if n.Key() == key {
			all = append(append(all, n.Line), n.More...)
		}
	}
	data := e.file.Data
	for _, n := range slices.Backward(all) {
		data = cutLine(data, n.Offset)
	}
	return e.rescan(data)
}

// removeSection deletes the section in all its spellings: from each header to its last option,
// with the comments between them, and a blank line before it, or behind it at the beginning of the
// file. What stands behind the last option may be about what follows, so it stays.
func (e *edit) removeSection() error {
	data := e.file.Data
	for _, h := range slices.Backward(e.file.Spellings(e.name)) {
		from, last := h.Line, h.Line
		if all := e.file.Statements(h); len(all) > 0 {
			last = end(all[len(all)-1])
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
	if len(e.file.Statements(e.file.Spellings(e.name)...)) > 0 {
		return nil
	}
	return e.removeSection()
}

// splice replaces a part of data and has the result scanned.
func (e *edit) splice(data string, from, to int, text string) error {
	return e.rescan(data[:from] + text + data[to:])
}

func (e *edit) rescan(data string) (err error) {
	if len(data) > profile.MaxSize {
		return profile.TooLarge(e.file.Path)
	}
	// The byte order mark in front is the one that Parse takes away.
	e.file, err = profile.Parse(e.file.Path, e.dialect, "\ufeff"+data)
	return err
}

// eol returns the line end of the last line that ends before offset at.
func (e *edit) eol(at int) string {
	i := strings.LastIndexByte(e.file.Data[:at], '\n')
	if i > 0 && e.file.Data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// end returns the offset of the last line of a statement.
func end(n profile.Statement) int {
	if len(n.More) > 0 {
		return n.More[len(n.More)-1].Offset
	}
	return n.Offset
}

// The lines of an edit end with LF or CR LF: a lone CR has been refused before.

// lineEnd returns the offset behind the line, line end included, that begins at or goes through
// offset at.
func lineEnd(data string, at int) int {
	if i := strings.IndexByte(data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(data)
}

// textEnd returns the offset of the line end of the line that begins at offset at.
func textEnd(data string, at int) int {
	end := lineEnd(data, at)
	return end - trailingEOL(data[at:end])
}

// trailingEOL returns the length of the line end that text ends with.
func trailingEOL(text string) int {
	return len(text) - len(strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"))
}

// leadingEOL returns the length of the line end that text begins with.
func leadingEOL(text string) int {
	return len(text) - len(strings.TrimPrefix(strings.TrimPrefix(text, "\r"), "\n"))
}

// emptyLine returns the length of the last line of text if nothing is in it but its line end, else
// 0.
func emptyLine(text string) int {
	n := trailingEOL(text)
	if rest := text[:len(text)-n]; n > 0 && (rest == "" || strings.HasSuffix(rest, "\n")) {
		return n
	}
	return 0
}

// cutLine returns data without the line that begins at offset at.
func cutLine(data string, at int) string { return cut(data, at, lineEnd(data, at)) }

// cut returns data without the lines from offset from to offset to. Where the last line had no
// line end, the one that is the last now has none, either.
func cut(data string, from, to int) string {
	if to == len(data) && from < to && data[to-1] != '\n' {
		from -= trailingEOL(data[:from])
	}
	return data[:from] + data[to:]
}

// headerOf returns the header of a new section for the profile name, as all readers of
// such a file understand it. It fails with a *fault.Error of kind Usage for a name that no
// header can hold.
func headerOf(d profile.Dialect, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	if d == profile.Plain || name == "default" {
		return "[" + name + "]", nil
	}
	for _, quote := range []string{"", "'", `"`} { // the AWS CLI reads it with Python's shlex
		if text := "profile " + quote + name + quote; profile.Names(text, name) {
			return "[" + text + "]", nil
		}
	}
	return "", unwritable(name, "has both quotation marks and other characters that need them")
}

func checkName(name string) error {
	switch {
	case name == "":
		return profile.CheckName(name)
	case !utf8.ValidString(name):
		return unwritable(name, "is not UTF-8")
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }):
		return unwritable(name, "has a control character")
	case strings.Contains(name, "]"):
		return unwritable(name, "has a closing bracket")
	case strings.TrimFunc(name, profile.IsSpace) != name:
		return unwritable(name, "has white space at an end")
	}
	return nil
}

func unwritable(name, cause string) error {
	return fault.New(fault.Usage, "profile "+quoted(name), profile.NameForm, "its name %s, which no section header can hold", cause)
}

func quoted(name string) string { return strconv.Quote(profile.Shorten(name)) }

// checkWritable refuses values that one of the readers of these files would take for
// something else: quotation, an inline comment, another line. The value is not
// echoed, since it may be a secret in the wrong place.
func checkWritable(key, value string) error {
	refused := func(cause string) error {
		return fault.New(fault.Usage, key, "correct it", "its value %s, which cannot be written", cause)
	}
	switch {
	case value == "":
		return refused("is empty")
	case !utf8.ValidString(value):
		return refused("is not UTF-8")
	case strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
		return refused("has a control character or a white space other than a space")
	case strings.TrimSpace(value) != value:
		return refused("has white space at an end")
	case strings.HasPrefix(value, "`"), strings.HasPrefix(value, `"""`), !isCommand(key) && strings.ContainsAny(value[:1], `"'`):
		return refused("begins with a quotation mark")
	case value[0] == '#', value[0] == ';', strings.Contains(value, " #"), strings.Contains(value, " ;"):
		return refused("has a # or ; where some SDKs begin a comment")
	}
	return nil
}

// isCommand reports whether the key's value is a command line, in which quotation marks
// have a meaning.
func isCommand(key string) bool { return key == profile.KeyCommand || key == profile.KeyProcess }
