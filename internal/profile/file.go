package profile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Dialect tells how the files name their profiles.
type Dialect int

// The ways to name a profile in a section's header.
const (
	AWSConfig      Dialect = iota // ~/.aws/config: [profile NAME], [default], [services NAME]
	Plain                         // profiles.ini: [NAME], and only our keys
	AWSCredentials                // ~/.aws/credentials: [NAME]
)

// File is a config, cut into its sections but not parsed.
type File struct {
	Path    string
	Data    string // its content, without a byte order mark
	dialect Dialect
	marks   []mark // of its headers
	lines   []int  // offsets at which lines begin; nil until Place needs them
}

// mark is what is kept of a header.
type mark struct {
	line uint32 // the offset of its line
	sum  uint32 // of its title
}

// Header is where one section is, and what it is for. The numbers but indent are offsets in the file.
type Header struct {
	Text   string // what is between the brackets
	Line   int    // the header's line
	Body   int    // behind it
	End    int    // the next header's line, or the end of the file
	indent int    // of the header's line, in characters
	title
}

const saveUTF8 = "save the file as UTF-8"

// Parse cuts data, the content of the file at path, into sections. It fails with a *fault.Error
// of kind Config if data is UTF-16, or has an option before the first section.
func Parse(path string, d Dialect, data string) (*File, error) {
	if isUTF16(data) {
		return nil, fault.New(fault.Config, path, saveUTF8, "is UTF-16")
	}
	f := &File{Path: path, dialect: d, Data: strings.TrimPrefix(data, "\ufeff")}
	return f, f.scan()
}

// isUTF16 reports a byte order mark of UTF-16, or a zero byte where ASCII text in UTF-16 has one.
func isUTF16(data string) bool {
	if len(data) < 2 {
		return false
	}
	mark := data[:2]
	return mark == "\xff\xfe" || mark == "\xfe\xff" || data[0] == 0 && data[1] != 0 || data[0] != 0 && data[1] == 0
}

// scan finds the headers, and keeps of each what it takes to find it again. The memory counts: a get
// from a config of ten thousand profiles spends most of its time on pages that it is the first to touch.
func (f *File) scan() error {
	f.marks = make([]mark, 0, len(f.Data)/64) // few sections have less than 64 bytes
	l, n := lines{data: f.Data}, Line{}
	for {
		l.skip()
		switch {
		case !l.next(&n):
			return nil
		case n.kind == headerLine:
			f.marks = append(f.marks, mark{uint32(n.Offset), f.dialect.title(n.Text).sum()}) //nolint:gosec // files end at MaxSize
		case !l.section && strings.HasPrefix(n.Text, "["):
			return f.notClosed(n.Offset)
		case !l.section:
			return f.Fault(n.Offset, "begin with a header such as [default]", "there is an option before the first [section]")
		}
	}
}

// header returns the i-th header.
func (f *File) header(i int) Header {
	h := Header{Line: int(f.marks[i].line), End: len(f.Data)}
	if i+1 < len(f.marks) {
		h.End = int(f.marks[i+1].line)
	}
	l, n := lines{data: f.Data, pos: h.Line}, Line{}
	l.next(&n)
	h.Text, h.Body, h.indent, h.title = n.Text, l.pos, n.indent, f.dialect.title(n.Text)
	return h
}

// Headers returns all headers, in the order of the file.
func (f *File) Headers() []Header {
	all := make([]Header, len(f.marks))
	for i := range all {
		all[i] = f.header(i)
	}
	return all
}

// Statements returns the options under headers.
func (f *File) Statements(headers ...Header) (all []Statement) {
	for _, h := range headers {
		l := lines{data: f.Data[:h.End], pos: h.Body, section: true, indent: h.indent}
		for n := (Line{}); l.next(&n); {
			if n.kind != continuedLine {
				all = append(all, Statement{Line: n})
				continue
			}
			last := &all[len(all)-1]
			last.More = append(last.More, n)
		}
	}
	return all
}

// Last returns the statement that gives key its value in the profile, and whether there is one.
func (f *File) Last(name, key string) (found Statement, ok bool) {
	for _, n := range f.Statements(f.Find(name)...) {
		if n.Key() == key {
			found, ok = n, true
		}
	}
	return found, ok
}

// Names returns the names of all profiles, sorted, each once.
func (f *File) Names() []string {
	var names []string
	for _, h := range f.Headers() {
		if h.class == profileSection {
			names = append(names, h.name)
		}
	}
	return sorted(names)
}

// sorted sorts names, and leaves each there once.
func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// Find returns the headers that count for the profile, in the order of the file.
func (f *File) Find(name string) []Header {
	found, _ := f.find(profileSection, name)
	return found
}

// find returns the headers of the section that is wanted, in the order of the file, and whether
// they replace others.
//
// Where two spellings mean the same profile ([default] and [profile default]), botocore takes the
// last one and drops the other. Where one spelling is repeated, it refuses the file and the other
// SDKs merge, as we do.
func (f *File) find(c class, name string) (found []Header, replaced bool) {
	var loose []Header
	for _, h := range f.named(c, name) {
		if h.Loose {
			loose = append(loose, h)
		} else {
			found = append(found, h)
		}
	}
	all := len(found) + len(loose)
	if len(found) == 0 {
		found = loose
	}
	if len(found) == 0 || f.dialect != AWSConfig {
		return found, false
	}
	last := found[len(found)-1].Text
	found = slices.DeleteFunc(found, func(h Header) bool { return h.Text != last })
	return found, len(found) < all
}

// named returns the headers of that class and name.
func (f *File) named(c class, name string) (found []Header) {
	sum := title{class: c, name: name}.sum()
	for i := range f.marks {
		if f.marks[i].sum != sum {
			continue
		}
		if h := f.header(i); h.class == c && h.name == name {
			found = append(found, h)
		}
	}
	return found
}

// Spellings returns the headers of the profile in all its spellings, those that Find passes over
// as well, in the order of the file.
func (f *File) Spellings(name string) []Header { return f.named(profileSection, name) }

// CheckBytes refuses bytes, from one offset to another, that a text file does not have: which line
// they end, or belong to, would be a guess.
func (f *File) CheckBytes(from, to int) error {
	text := f.Data[from:to]
	if i := strings.IndexByte(text, 0); i >= 0 {
		return f.Fault(from+i, saveUTF8, "there is a NUL byte")
	}
	for i := 0; ; i++ {
		n := strings.IndexByte(text[i:], '\r')
		if n < 0 {
			return nil
		}
		i += n
		if i+1 == len(text) || text[i+1] != '\n' {
			return f.Fault(from+i, "save the file with LF or CR LF line ends", "there is a CR without an LF")
		}
	}
}

// Place returns "path:line" of an offset.
func (f *File) Place(offset int) string {
	if f.lines == nil {
		f.lines = []int{0}
		for i := range len(f.Data) { // a CR that no LF follows ends a line as well
			if c := f.Data[i]; c == '\n' || c == '\r' && !strings.HasPrefix(f.Data[i+1:], "\n") {
				f.lines = append(f.lines, i+1)
			}
		}
	}
	line, _ := slices.BinarySearch(f.lines, offset+1)
	return f.Path + ":" + strconv.Itoa(line)
}

func (f *File) notClosed(offset int) error {
	return f.Fault(offset, "close it with ]", "the section header has no closing bracket")
}

// Fault returns a *fault.Error of kind Config about the line at an offset.
func (f *File) Fault(offset int, remedy, format string, args ...any) error {
	return fault.New(fault.Config, f.Place(offset), remedy, format, args...)
}

// class is what a section is for.
type class byte

const (
	otherSection    class = iota // of no concern to us
	profileSection               // [profile NAME], [default]; in profiles.ini [NAME]
	servicesSection              // [services NAME]
	sharedSection                // [DEFAULT]: its options hold in all sections, as Python has it
)

// title is what a header says.
type title struct {
	name  string
	class class

	// Loose reports a spelling that Go, Java and others accept for a profile, but the AWS CLI does
	// not: [ profile x ], [profile a b]. It counts only where there is no strict one.
	Loose bool
}

// sum returns a number that few other titles have (FNV-1).
func (t title) sum() uint32 {
	sum := uint32(t.class)
	for i := range len(t.name) {
		sum = sum*16777619 ^ uint32(t.name[i])
	}
	return sum
}

// title reads the text of a header.
func (d Dialect) title(text string) title {
	if d == AWSConfig {
		return parseTitle(text)
	}
	if name := strings.Trim(text, " \t"); name != "" && (d == Plain || name != "DEFAULT") {
		return title{class: profileSection, name: name}
	}
	return parseTitle(text)
}

// parseTitle reads the text of a header as botocore does (configloader.py, build_profile_map).
func parseTitle(text string) title {
	if name := plainName(text); name != "" {
		return title{class: profileSection, name: name}
	}
	if words, ok := SplitWords(text); ok && len(words) == 2 {
		switch {
		case strings.HasPrefix(text, "profile"):
			return title{class: profileSection, name: words[1]}
		case strings.HasPrefix(text, "services"):
			return title{class: servicesSection, name: words[1]}
		}
	}
	switch text {
	case "default":
		return title{class: profileSection, name: text}
	case "DEFAULT":
		return title{class: sharedSection}
	}
	return parseLoose(text)
}

func parseLoose(text string) title {
	text, _, _ = strings.Cut(text, "]") // behind it may be a comment that has brackets, too
	trimmed := strings.Trim(text, " \t")
	if trimmed == "default" {
		return title{class: profileSection, name: trimmed, Loose: true}
	}
	rest, ok := strings.CutPrefix(trimmed, "profile")
	name := strings.Trim(rest, " \t")
	if ok && name != "" && name != rest && !strings.Contains(name, `"`) {
		return title{class: profileSection, name: name, Loose: true}
	}
	return title{name: trimmed}
}

// plainName returns the name in "profile NAME", the way nearly all headers are written, without the
// cost of the general rules, or "".
func plainName(text string) string {
	name, ok := strings.CutPrefix(text, "profile ")
	if !ok {
		return ""
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == '"' || c == '\'' || c == '\\' {
			return ""
		}
	}
	return name
}

// Names reports whether the text of a header is that of the profile name, also to the AWS CLI.
func Names(text, name string) bool {
	return parseTitle(text) == title{class: profileSection, name: name}
}
