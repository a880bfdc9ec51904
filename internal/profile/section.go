package profile

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// section is the options of a profile in one file, by key.
type section struct {
	file    *File
	options map[string]option
	notes   []string
}

// option is one key with its value, as the file has it: an inline comment, which the AWS CLI takes
// as a part of the value, is still there.
type option struct {
	value  string
	offset int // of its line in the file
}

// section returns the parsed section of a profile, or nil if the file has none. Sections that are
// spelled alike are merged; the later keys win.
func (f *File) section(name string) (*section, error) {
	headers, replaced := f.find(profileSection, name)
	if len(headers) == 0 {
		return nil, nil //nolint:nilnil // that a section is missing is no failure
	}
	s := &section{file: f, options: make(map[string]option)}
	last := headers[len(headers)-1]
	if replaced {
		s.note(last.Line, "replaces an earlier section of the same profile that is spelled otherwise")
	}
	if len(headers) > 1 {
		s.note(last.Line, "repeats a section: the later keys win; the AWS CLI refuses such a file")
	}
	if f.dialect == AWSConfig {
		// The options of [DEFAULT] hold in all sections (configparser.DEFAULTSECT).
		shared, _ := f.find(sharedSection, "")
		headers = append(shared, headers...)
	}
	for _, h := range headers {
		if err := s.read(h); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *section) note(offset int, text string) {
	s.notes = append(s.notes, s.file.Place(offset)+": "+text)
}

// read adds the options under one header.
func (s *section) read(h Header) error {
	// also what stands behind the closing bracket
	if err := s.file.CheckBytes(h.Line, h.End); err != nil {
		return err
	}
	known := sharedKeys()
	if s.file.dialect == Plain {
		known = ownKeys()
	}
	seen := make(map[string]bool)
	for _, n := range s.file.Statements(h) {
		key := n.Key()
		if err := s.checkKey(n, key, known); err != nil {
			return err
		}
		if !slices.Contains(known, key) {
			continue
		}
		if len(n.More) > 0 {
			return s.file.Fault(n.More[0].Offset, "begin the line at the margin", "it is indented, and so a part of the value of %s above it", key)
		}
		if seen[key] {
			s.note(n.Offset, "repeats the key "+key+": the last one wins")
		}
		seen[key] = true
		if err := s.add(key, n.Line, "=:"); err != nil {
			return err
		}
	}
	return nil
}

// checkKey refuses lines that would make it a guess what the section says. The text of such a line
// is not echoed: it may be a secret that was pasted.
func (s *section) checkKey(n Statement, key string, known []string) error {
	switch {
	case n.Text[0] == '[' && !strings.Contains(n.Text, "]"):
		return s.file.Fault(n.Offset, "close it with ]", "the section header has no closing bracket")
	case key == "":
		return s.file.Fault(n.Offset, "write it as KEY = VALUE, or as a comment", "the line is no option")
	case s.file.dialect == Plain && !slices.Contains(known, key):
		return s.unknownKey(n, key, known)
	}
	return nil
}

func (s *section) unknownKey(n Statement, key string, known []string) error {
	if strings.Contains(key, "secret") || strings.Contains(key, "seed") || strings.Contains(key, "token") {
		return s.file.Fault(n.Offset, "delete the line; secrets come from AWS_MFA_CREDS_SECRET_ACCESS_KEY and AWS_MFA_CREDS_SEED", "secrets do not belong into this file")
	}
	if near := nearest(known, key, 1); len(near) > 0 {
		return s.file.Fault(n.Offset, "did you mean "+near[0]+"?", "unknown key %q", Shorten(key))
	}
	// It is like no key there is, so it is not echoed: it may be a secret, pasted as a line.
	return s.file.Fault(n.Offset, "the keys are "+strings.Join(known, ", "), "unknown key")
}

// add keeps the value of a line. It refuses values that cannot be meant, and quotation of whole
// values, which the AWS tools do not know.
func (s *section) add(key string, n Line, delimiters string) error {
	value := n.value(delimiters)
	switch {
	case !utf8.ValidString(value):
		return s.file.Fault(n.Offset, "save the file as UTF-8", "the value is not UTF-8")
	case strings.HasPrefix(value, "`"), strings.HasPrefix(value, `"""`):
		return s.file.Fault(n.Offset, "delete the quotation marks", "the value begins with a quotation mark, which the AWS tools take as a part of it")
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return s.file.Fault(n.Offset, "delete it", "the value has the control character %U", c)
		}
	}
	s.options[key] = option{value, n.Offset}
	return nil
}

// serviceEndpoint returns endpoint_url in the block of a service in a [services NAME] section, or
// nil if there is no such section. Only there is an indented block of meaning to us.
func (f *File) serviceEndpoint(name, service string) (*section, error) {
	headers, _ := f.find(servicesSection, name)
	if len(headers) == 0 {
		return nil, nil //nolint:nilnil // that a section is missing is no failure
	}
	s := &section{file: f, options: make(map[string]option)}
	for _, h := range headers {
		if err := f.CheckBytes(h.Line, h.End); err != nil {
			return nil, err
		}
		for _, n := range f.Statements(h) {
			if n.Key() != service {
				continue
			}
			if err := s.readBlock(n); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// readBlock adds what the lines under a key say. In a block = alone ends a key, and case matters
// (botocore, configloader.py, _parse_nested).
func (s *section) readBlock(n Statement) error {
	if n.Value() != "" {
		return s.file.Fault(n.Offset, "write the settings of "+n.Key()+" indented below it", "%s has a value of its own", n.Key())
	}
	for _, inner := range n.More {
		key, _, ok := strings.Cut(inner.Text, "=")
		if !ok {
			return s.file.Fault(inner.Offset, "write it as KEY = VALUE, or as a comment", "the line is no option")
		}
		if strings.TrimFunc(key, IsSpace) != KeyEndpoint {
			continue
		}
		if err := s.add(KeyEndpoint, inner, "="); err != nil {
			return err
		}
	}
	return nil
}

// Check refuses a section of the profile name that Resolve would refuse.
func (f *File) Check(name string) error {
	_, err := f.section(name)
	return err
}
