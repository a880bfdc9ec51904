package edit

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

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
	text := "profile " + name
	if profile.NeedsQuotes(name) {
		text = "profile " + shellQuoted(name)
	}
	if !profile.Names(text, name) {
		return "", unwritable(name, "has both quotation marks and other characters that need them")
	}
	return "[" + text + "]", nil
}

// shellQuoted quotes name as the AWS CLI does, which reads it with Python's shlex.
func shellQuoted(name string) string {
	if strings.Contains(name, "'") {
		return `"` + name + `"`
	}
	return "'" + name + "'"
}

func checkName(name string) error {
	switch {
	case name == "":
		return fault.New(fault.Usage, "--profile", "give the name of a profile", "is empty")
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
	return fault.New(fault.Usage, "profile "+quoted(name), "choose another name, best of letters, digits and - _ .", "its name %s, which no section header can hold", cause)
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
