package profile

import (
	"bytes"
	"slices"
	"strconv"
)

// Section is one section of the AWS config as it stands there, for those who look for what is
// wrong with it. Resolve tells what it means.
type Section struct {
	Place   string // "path:line" of its header
	Header  string // what is between the brackets
	Profile string // the profile it is about, or ""

	// Loose reports a header that some SDKs take for that of the profile, but the AWS CLI does
	// not: [ profile x ].
	Loose bool

	Options []Option
}

// Option is one key of a section. A key that is repeated is there twice.
type Option struct {
	Key   string // in lower case
	Value string // the first line of it, whole; "" if it may be a secret
	Place string // "path:line"
}

// Sections returns all sections of the AWS config, in its order. Lines that are no option are left
// out, and so are the values of keys that hold secrets.
func (f *Files) Sections() []Section {
	titles := make(map[int32]title)
	for _, h := range f.aws.oddHeaders() {
		titles[h.line] = h.title
	}
	count := lineCount{file: f.aws, line: 1}
	all := make([]Section, 0, len(f.aws.headers))
	for i := range f.aws.headers {
		h := f.aws.headers[i]
		s := Section{Place: count.place(int(h.line)), Header: string(f.aws.bytes(h.text))}
		switch t, odd := titles[h.line]; {
		case !odd:
			s.Profile = string(f.aws.bytes(h.name))
		case t.class == profileSection:
			s.Profile, s.Loose = t.name, t.loose
		}
		for _, n := range statements(f.aws.data, h) {
			if key := n.key(); key != "" {
				s.Options = append(s.Options, Option{key, shown(key, n), count.place(n.offset)})
			}
		}
		all = append(all, s)
	}
	return all
}

// shown returns the value of a statement unless its key says that it is a secret.
func shown(key string, n statement) string {
	if slices.Contains(staticKeys(), key) && key != keyStaticID {
		return ""
	}
	return n.value()
}

// lineCount tells the places of offsets that grow. It counts each line once, while file.place begins
// at the first every time.
type lineCount struct {
	file   *file
	offset int
	line   int
}

func (c *lineCount) place(offset int) string {
	passed := c.file.data[c.offset:offset]
	// A CR that no LF follows ends a line as well.
	c.line += bytes.Count(passed, []byte("\n")) + bytes.Count(passed, []byte("\r")) - bytes.Count(passed, []byte("\r\n"))
	c.offset = offset
	return c.file.path + ":" + strconv.Itoa(c.line)
}

// OwnNames returns the names of the profiles of profiles.ini, sorted, each once.
func (f *Files) OwnNames() []string {
	names := f.own.names()
	slices.Sort(names)
	return slices.Compact(names)
}
