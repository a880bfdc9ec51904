package profile

import (
	"strings"
)

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
