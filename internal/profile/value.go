package profile

import (
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// value is one setting and where it is from.
type value struct {
	text   string
	key    string // its key in a file
	source string // the flag or variable it is from; "" if it is from a file
	file   *File
	offset int
}

// place returns the flag, the variable or "path:line".
func (v value) place() string {
	if v.file == nil {
		return v.source
	}
	return v.file.Place(v.offset)
}

// quoted returns the value, after its key if it has one, for a message.
func (v value) quoted() string {
	if v.key == "" {
		return strconv.Quote(Shorten(v.text))
	}
	return v.key + " " + strconv.Quote(Shorten(v.text))
}

// kind returns the class of a failure about the value.
func (v value) kind() fault.Kind {
	if strings.HasPrefix(v.source, "--") {
		return fault.Usage
	}
	return fault.Config
}

// get returns the value of key in the section, whole. An empty one counts as none,
// and so does a section that does not exist.
func (s *section) get(key string) value {
	if s == nil {
		return value{}
	}
	o := s.options[key]
	return value{text: o.value, key: key, file: s.file, offset: o.offset}
}

// Uncommented returns a value without its inline comment, as settings of one word are read.
func Uncommented(text string) string { return value{text: text}.uncommented().text }

// uncommented returns v without its inline comment: from a # or ; behind white space
// on. The AWS CLI takes such as a part of the value, the other SDKs do not; but no value of the
// keys this is used for can hold one, so that nothing the AWS CLI accepts is read otherwise.
func (v value) uncommented() value {
	for i := 1; i < len(v.text); i++ {
		if (v.text[i] == '#' || v.text[i] == ';') && (v.text[i-1] == ' ' || v.text[i-1] == '\t') {
			v.text = strings.TrimRight(v.text[:i], " \t")
			return v
		}
	}
	return v
}
