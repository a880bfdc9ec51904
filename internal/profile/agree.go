package profile

import (
	"bytes"
	"slices"
)

// checkSection refuses a section that not all SDKs would read alike: what is written into it
// would reach some of them only, or would become a part of something else.
func (e *edit) checkSection() error {
	all := e.file.spellings(e.name)
	for _, h := range all {
		if err := e.checkHeader(h, all[0]); err != nil {
			return err
		}
		if err := e.checkIndent(statements(e.file.data, h)); err != nil {
			return err
		}
	}
	return nil
}

// checkHeader refuses a header that is not written as the first one of the profile, since the
// AWS CLI takes the last of them and others take the plain one, and one that the AWS CLI does not
// read.
func (e *edit) checkHeader(h, first header) error {
	text := e.file.bytes(h.text)
	switch {
	case !bytes.Equal(text, e.file.bytes(first.text)):
		return e.file.fault(int(h.line), "keep one of them", "the profile has another header, spelled otherwise, and SDKs do not agree which of them counts")
	case !h.isPlain() && parseTitle(string(text)).loose:
		return e.file.fault(int(h.line), "write it as [profile "+e.name+"]", "the header is spelled in a way that the AWS CLI does not read")
	}
	return nil
}

// checkIndent refuses indented lines that are one thing to the AWS CLI, which compares their
// indentation with that of the line above, and another to the SDK for Go, which does not
// (config/internal/ini/parse.go): a header, and an option below one without a value.
func (e *edit) checkIndent(all []statement) error {
	const remedy = "begin it at the margin"
	empty := ""
	for _, n := range all {
		if i := slices.IndexFunc(n.more, func(l line) bool { return l.text[0] == '[' }); i >= 0 {
			return e.file.fault(n.more[i].offset, remedy, "an indented header is a part of the value above it for the AWS CLI, and a section for other SDKs")
		}
		if n.value() == "" {
			empty = n.key()
		}
		if c := e.file.data[n.offset]; empty != "" && (c == ' ' || c == '\t') {
			return e.file.fault(n.offset, remedy, "it is indented, and some SDKs take it, or what follows, for a part of %s", empty)
		}
	}
	return nil
}
