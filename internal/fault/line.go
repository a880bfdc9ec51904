package fault

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPart caps each part of a line, in bytes, so that the whole stays under
// the 1 KiB that consumers pass on whole.
const maxPart = 300

// Text returns err as "<Thing>: <Cause>", safe to print: one line, capped, and
// with every control or non-ASCII byte quoted, because parts of it may come
// from a file or from the network.
func Text(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return Printable(err.Error())
	}
	if e.Thing == "" {
		return Printable(e.Cause)
	}
	return Printable(e.Thing) + ": " + Printable(e.Cause)
}

// Remedy returns what err advises to do, or "".
func Remedy(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return ""
	}
	return Printable(e.Remedy)
}

// Line returns "<Thing>: <Cause>; <Remedy>": all of err in the one line that
// the consumer of a credential process shows or logs.
func Line(err error) string {
	if remedy := Remedy(err); remedy != "" {
		return Text(err) + "; " + remedy
	}
	return Text(err)
}

// Printable makes s one printable line: ASCII stays, the rest is escaped as in a
// Go string literal, and what exceeds maxPart is cut.
func Printable(s string) string {
	s = strings.TrimSpace(s)
	if !printable(s) {
		quoted := strconv.QuoteToASCII(s)
		s = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	}
	if len(s) <= maxPart {
		return s
	}
	return s[:maxPart] + "..."
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= utf8.RuneSelf || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// Shell returns path as a POSIX shell reads it back, for remedies that can be pasted.
func Shell(path string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@%:,"
	if strings.Trim(path, plain) == "" && path != "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
