package profile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Dialect tells how the files name their profiles.
type Dialect int

// The two ways to name a profile in a section's header.
const (
	AWSConfig Dialect = iota // ~/.aws/config: [profile NAME], [default], [services NAME]
	Plain                    // profiles.ini and ~/.aws/credentials: [NAME]
)

// File is a config, cut into its sections but not parsed.
type File struct {
	Path    string
	Data    string // its content, without a byte order mark
	Headers []Header
	dialect Dialect
}

// Header is where one section is. All are offsets in the file.
type Header struct {
	Text   string // what is between the brackets
	Line   int    // the header's line
	Body   int    // behind that line
	End    int    // the next header's line, or the end of the file
	indent int    // of the header's line, in characters
	name   string // of the profile, if the header is spelled as nearly all are; else ""
}

// loadFile reads the file at path.
func loadFile(path string, d Dialect, ours bool) (*File, error) {
	data, info, err := Read(path, ours)
	if err == nil && info != nil && ours {
		err = CheckOwnDir(path)
	}
	if err != nil {
		return nil, err
	}
	return Parse(path, d, data)
}

// Parse cuts data, the content of the file at path, into sections. It fails with a *fault.Error
// of kind Config if data is UTF-16, or has an option before the first section.
func Parse(path string, d Dialect, data string) (*File, error) {
	if isUTF16(data) {
		return nil, fault.New(fault.Config, path, "save it as UTF-8", "is UTF-16")
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

// scan finds the headers.
func (f *File) scan() error {
	f.Headers = make([]Header, 0, strings.Count(f.Data, "["))
	l := lines{data: f.Data}
	for {
		l.skip()
		n, ok := l.next()
		switch {
		case !ok:
			return nil
		case n.kind == headerLine:
			if last := len(f.Headers) - 1; last >= 0 {
				f.Headers[last].End = n.Offset
			}
			f.Headers = append(f.Headers, Header{Text: n.Text, Line: n.Offset, Body: l.pos, End: len(f.Data), indent: n.indent, name: f.plainName(n.Text)})
		case !l.section:
			return f.Fault(n.Offset, "begin with a header such as [default]", "there is an option before the first [section]")
		}
	}
}

// Statements returns the options under a header.
func (f *File) Statements(h Header) []Statement {
	var all []Statement
	l := lines{data: f.Data[:h.End], pos: h.Body, section: true, indent: h.indent}
	for {
		n, ok := l.next()
		if !ok {
			return all
		}
		if n.kind == continuedLine {
			last := &all[len(all)-1]
			last.More = append(last.More, n)
			continue
		}
		all = append(all, Statement{Line: n})
	}
}

// Last returns the statement that gives key its value in the profile, and whether there is one.
func (f *File) Last(name, key string) (found Statement, ok bool) {
	for _, h := range f.Find(name) {
		for _, n := range f.Statements(h) {
			if n.Key() == key {
				found, ok = n, true
			}
		}
	}
	return found, ok
}

// plainName returns the name of the profile in a header that needs no interpretation, or "".
func (f *File) plainName(text string) string {
	if f.dialect == AWSConfig {
		return plainName(text)
	}
	return strings.Trim(text, " \t")
}

// title returns what a header says.
func (f *File) title(h *Header) title {
	if h.name != "" {
		return title{class: profileSection, name: h.name}
	}
	return parseTitle(h.Text)
}

// names returns the names of all profiles, as often as they occur.
func (f *File) names() []string {
	names := make([]string, 0, len(f.Headers))
	for i := range f.Headers {
		if t := f.title(&f.Headers[i]); t.class == profileSection {
			names = append(names, t.name)
		}
	}
	return names
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
	var strict, loose []Header
	for i := range f.Headers {
		h := &f.Headers[i]
		if h.name != "" && (h.name != name || c != profileSection) {
			continue
		}
		switch t := f.title(h); {
		case t.class != c || t.name != name:
		case t.loose:
			loose = append(loose, *h)
		default:
			strict = append(strict, *h)
		}
	}
	if len(strict) == 0 {
		strict = loose
	}
	if len(strict) == 0 || f.dialect == Plain {
		return strict, false
	}
	last := strict[len(strict)-1].Text
	found = slices.DeleteFunc(slices.Clone(strict), func(h Header) bool { return h.Text != last })
	return found, len(found) < len(strict)
}

// Spellings returns the headers of the profile in all its spellings, those that Find passes over
// as well, in the order of the file.
func (f *File) Spellings(name string) []Header {
	var all []Header
	for i := range f.Headers {
		if t := f.title(&f.Headers[i]); t.class == profileSection && t.name == name {
			all = append(all, f.Headers[i])
		}
	}
	return all
}

func (f *File) has(name string) bool { return len(f.Find(name)) > 0 }

// CheckBytes refuses bytes, from one offset to another, that a text file does not have: which line
// they end, or belong to, would be a guess.
func (f *File) CheckBytes(from, to int) error {
	text := f.Data[from:to]
	if i := strings.IndexByte(text, 0); i >= 0 {
		return f.Fault(from+i, "save the file as UTF-8 text", "there is a NUL byte")
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
	return f.Path + ":" + strconv.Itoa(1+lineEnds(f.Data[:offset]))
}

// lineEnds counts the line ends of text. A CR that no LF follows is one as well.
func lineEnds(text string) int {
	return strings.Count(text, "\n") + strings.Count(text, "\r") - strings.Count(text, "\r\n")
}

// Fault returns a *fault.Error of kind Config about the line at an offset.
func (f *File) Fault(offset int, remedy, format string, args ...any) error {
	return fault.New(fault.Config, f.Place(offset), remedy, format, args...)
}

// class is what a section is for.
type class int

const (
	otherSection    class = iota // of no concern to us
	profileSection               // [profile NAME], [default]; in profiles.ini [NAME]
	servicesSection              // [services NAME]
	sharedSection                // [DEFAULT]: its options hold in all sections, as Python has it
)

// title is what a header says.
type title struct {
	class class
	name  string
	// loose reports a spelling that Go, Java and others accept for a profile, but the
	// AWS CLI does not: [ profile x ], [profile a b]. It counts only where there is no
	// strict one.
	loose bool
}

// parseTitle reads the text of a header as botocore does (configloader.py,
// build_profile_map).
func parseTitle(text string) title {
	if name := plainName(text); name != "" {
		return title{class: profileSection, name: name}
	}
	if c := prefixed(text); c != otherSection {
		if words, ok := splitWords(text); ok && len(words) == 2 {
			return title{class: c, name: words[1]}
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

func prefixed(text string) class {
	switch {
	case strings.HasPrefix(text, "profile"):
		return profileSection
	case strings.HasPrefix(text, "services"):
		return servicesSection
	}
	return otherSection
}

func parseLoose(text string) title {
	text, _, _ = strings.Cut(text, "]") // behind it may be a comment that has brackets, too
	trimmed := strings.Trim(text, " \t")
	if trimmed == "default" {
		return title{profileSection, trimmed, true}
	}
	rest, ok := strings.CutPrefix(trimmed, "profile")
	name := strings.Trim(rest, " \t")
	if ok && name != "" && name != rest && !strings.Contains(name, `"`) {
		return title{profileSection, name, true}
	}
	return title{name: trimmed}
}

// plainName returns the name in "profile NAME", the way nearly all headers are written, without the
// cost of the general rules, or "".
func plainName(text string) string {
	name, _ := strings.CutPrefix(text, "profile ")
	if len(name) == len(text) {
		return ""
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == '"' || c == '\'' || c == '\\' {
			return ""
		}
	}
	return name
}

// Loose reports a header of a profile that some SDKs read, but the AWS CLI does not.
func (f *File) Loose(h Header) bool { return f.title(&h).loose }

// NeedsQuotes reports whether the name of a profile has characters that [profile NAME] cannot have
// without quotation marks.
func NeedsQuotes(name string) bool { return plainName("profile "+name) == "" }

// Names reports whether the text of a header is that of the profile name, also to the AWS CLI.
func Names(text, name string) bool {
	t := parseTitle(text)
	return t.class == profileSection && !t.loose && t.name == name
}
