package profile

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/ini.v1"
)

// section is the options of a profile in one file, by key.
type section struct {
	file    *file
	options map[string]option
	notes   []string
}

// option is one key with its value, as the file has it: an inline comment, which
// the AWS CLI takes as a part of the value, is still there.
type option struct {
	value  string
	offset int // of its line in the file
}

// statement is an option as it stands in a file, with the lines that continue it.
type statement struct {
	line
	more []line
}

// section returns the parsed section of a profile, or nil if the file has none.
// Sections that are spelled alike are merged; the later keys win.
func (f *file) section(name string) (*section, error) {
	headers, replaced := f.find(profileSection, name)
	if len(headers) == 0 {
		return nil, nil //nolint:nilnil // that a section is missing is no failure
	}
	s := &section{file: f, options: make(map[string]option)}
	last := headers[len(headers)-1]
	if replaced {
		s.note(int(last.line), "replaces an earlier section of the same profile that is spelled otherwise")
	}
	if len(headers) > 1 {
		s.note(int(last.line), "repeats a section: the later keys win; the AWS CLI refuses such a file")
	}
	if f.dialect == awsConfig {
		headers = append(f.shared(), headers...)
	}
	for _, h := range headers {
		if err := s.read(h); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// shared returns the [DEFAULT] sections, whose options hold in all others
// (configparser.DEFAULTSECT).
func (f *file) shared() []header {
	headers, _ := f.find(sharedSection, "")
	return headers
}

func (s *section) note(offset int, text string) {
	s.notes = append(s.notes, s.file.place(offset)+": "+text)
}

// read adds the options under one header.
func (s *section) read(h header) error {
	if err := s.file.checkBytes(h.text.to, h.body.to); err != nil {
		return err
	}
	wanted, err := s.wanted(statements(s.file.data, h))
	if err != nil {
		return err
	}
	return s.parse(wanted, "=:")
}

// checkBytes refuses bytes that a text file does not have: which line they end, or
// belong to, would be a guess.
func (f *file) checkBytes(from, to int32) error {
	text := f.data[from:to]
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return f.fault(int(from)+i, "save the file as UTF-8 text", "there is a NUL byte")
	}
	for i := 0; ; i++ {
		n := bytes.IndexByte(text[i:], '\r')
		if n < 0 {
			return nil
		}
		i += n
		if i+1 == len(text) || text[i+1] != '\n' {
			return f.fault(int(from)+i, "save the file with LF or CR LF line ends", "there is a CR without an LF")
		}
	}
}

// statements returns the options under a header.
func statements(data []byte, h header) []statement {
	var all []statement
	l := lines{data: data[:h.body.to], pos: int(h.body.from), section: true, indent: int(h.indent)}
	for {
		n, ok := l.next()
		if !ok {
			return all
		}
		if n.kind == continuedLine {
			last := &all[len(all)-1]
			last.more = append(last.more, n)
			continue
		}
		all = append(all, statement{line: n})
	}
}

// key returns the key of a statement, or "" if it is none. As for Python, = and :
// both end a key, and its case does not matter.
func (n statement) key() string {
	i := bytes.IndexAny(n.text, "=:")
	if i < 0 {
		return ""
	}
	return strings.ToLower(string(bytes.TrimFunc(n.text[:i], isSpace)))
}

// value returns the value of a statement as its first line has it, whole.
func (n statement) value() string {
	return string(bytes.TrimFunc(n.text[bytes.IndexAny(n.text, "=:")+1:], isSpace))
}

// wanted returns the lines with the keys that matter, checked.
func (s *section) wanted(all []statement) ([]line, error) {
	known := sharedKeys()
	if s.file.dialect == ownConfig {
		known = ownKeys()
	}
	var wanted []line
	for _, n := range all {
		key := n.key()
		if err := s.checkKey(n, key, known); err != nil {
			return nil, err
		}
		if !slices.Contains(known, key) {
			continue
		}
		if len(n.more) > 0 {
			return nil, s.file.fault(n.more[0].offset, "begin the line at the margin", "it is indented, and so a part of the value of %s above it", key)
		}
		wanted = append(wanted, n.line)
	}
	return wanted, nil
}

// checkKey refuses lines that would make it a guess what the section says. The text
// of such a line is not echoed: it may be a secret that was pasted.
func (s *section) checkKey(n statement, key string, known []string) error {
	switch {
	case n.text[0] == '[' && !bytes.ContainsAny(n.text, "]"):
		return s.file.fault(n.offset, "close it with ]", "the section header has no closing bracket")
	case key == "":
		return s.file.fault(n.offset, "write it as KEY = VALUE, or as a comment", "the line is no option")
	case s.file.dialect == ownConfig && !slices.Contains(known, key):
		return s.unknownKey(n, key, known)
	}
	return nil
}

func (s *section) unknownKey(n statement, key string, known []string) error {
	if strings.Contains(key, "secret") || strings.Contains(key, "seed") || strings.Contains(key, "token") {
		return s.file.fault(n.offset, "delete the line; secrets come from AWS_MFA_CREDS_SECRET_ACCESS_KEY and AWS_MFA_CREDS_SEED", "secrets do not belong into this file")
	}
	if near := nearest(known, key, 1); len(near) > 0 {
		return s.file.fault(n.offset, "did you mean "+near[0]+"?", "unknown key %q", shorten(key))
	}
	// It is like no key there is, so it is not echoed: it may be a secret, pasted as a line.
	return s.file.fault(n.offset, "the keys are "+strings.Join(known, ", "), "unknown key")
}

// parse gives the lines, whose keys are known, to ini.v1 and keeps what it finds.
func (s *section) parse(all []line, delimiters string) error {
	if len(all) == 0 {
		return nil
	}
	text := bytes.NewBufferString("[section]\n")
	offsets := make(map[string]int, len(all))
	for _, n := range all {
		if err := s.checkValue(n, delimiters); err != nil {
			return err
		}
		key := statement{line: n}.key()
		if _, again := offsets[key]; again {
			s.note(n.offset, "repeats the key "+key+": the last one wins")
		}
		offsets[key] = n.offset
		text.Write(n.text)
		text.WriteByte('\n')
	}
	parsed, err := ini.LoadSources(options(delimiters), text.Bytes())
	if err != nil {
		return s.file.fault(all[0].offset, "write each line as KEY = VALUE", "the section cannot be parsed")
	}
	for _, key := range parsed.Section("section").Keys() {
		s.options[key.Name()] = option{key.Value(), offsets[key.Name()]}
	}
	return nil
}

// options switches off all of ini.v1 that the AWS tools do not have: continued
// lines, inline comments, quotation, child sections.
func options(delimiters string) ini.LoadOptions {
	return ini.LoadOptions{
		InsensitiveKeys:         true,
		IgnoreContinuation:      true,
		IgnoreInlineComment:     true,
		PreserveSurroundedQuote: true,
		KeyValueDelimiters:      delimiters,
		ChildSectionDelimiter:   "\x00",
	}
}

// checkValue refuses values that cannot be meant, and those that ini.v1 would take
// for a quotation, which the AWS tools do not know.
func (s *section) checkValue(n line, delimiters string) error {
	i := bytes.IndexAny(n.text, delimiters)
	value := bytes.TrimFunc(n.text[i+1:], isSpace)
	switch {
	case !utf8.Valid(value):
		return s.file.fault(n.offset, "save the file as UTF-8", "the value is not UTF-8")
	case bytes.HasPrefix(value, []byte("`")), bytes.HasPrefix(value, []byte(`"""`)):
		return s.file.fault(n.offset, "delete the quotation marks", "the value begins with a quotation mark, which the AWS tools take as a part of it")
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return s.file.fault(n.offset, "delete it", "the value has the control character %U", c)
		}
	}
	return nil
}

// serviceEndpoint returns endpoint_url in the block of a service in a [services NAME] section, or
// nil. Only there is an indented block of meaning to us.
func (f *file) serviceEndpoint(name, service string) (*section, error) {
	headers, _ := f.find(servicesSection, name)
	if len(headers) == 0 {
		return nil, nil //nolint:nilnil // that a section is missing is no failure
	}
	s := &section{file: f, options: make(map[string]option)}
	for _, h := range headers {
		if err := f.checkBytes(h.text.to, h.body.to); err != nil {
			return nil, err
		}
		for _, n := range statements(f.data, h) {
			if n.key() == service {
				if err := s.readBlock(n); err != nil {
					return nil, err
				}
			}
		}
	}
	return s, nil
}

// readBlock adds what the lines under a key say. In a block = alone ends a key, and
// case matters (botocore, configloader.py, _parse_nested).
func (s *section) readBlock(n statement) error {
	if i := bytes.IndexAny(n.text, "=:"); len(bytes.TrimFunc(n.text[i+1:], isSpace)) > 0 {
		return s.file.fault(n.offset, "write the settings of "+n.key()+" indented below it", "%s has a value of its own", n.key())
	}
	var wanted []line
	for _, inner := range n.more {
		key, _, ok := bytes.Cut(inner.text, []byte("="))
		if !ok {
			return s.file.fault(inner.offset, "write it as KEY = VALUE, or as a comment", "the line is no option")
		}
		if string(bytes.TrimFunc(key, isSpace)) == keyEndpoint {
			wanted = append(wanted, inner)
		}
	}
	return s.parse(wanted, "=")
}
