// Package fault holds the failures that a person reads: what failed and why, what to type next, and the
// exit code that scripts test.
//
// Every package returns a *Error for a failure that it can name. Any other error that reaches package
// cli is a defect of ours, and exits with Internal.
package fault

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is the class of a failure. Its number is the exit code of the process;
// the numbers are a contract and never change meaning.
type Kind int

// The exit codes. Consumers mostly test for zero only, but the Go SDK and
// Terraform show the number and nothing else, so each has one meaning.
const (
	Internal    Kind = 1  // a defect of ours, or stdout could not be written
	Usage       Kind = 2  // flags, arguments or typed input
	Config      Kind = 3  // profiles.ini, the AWS config, an ARN, an endpoint
	NoSecret    Kind = 4  // no access key or seed is stored, or it is damaged
	Store       Kind = 5  // the secret store is locked or unavailable
	Refused     Kind = 6  // AWS said no: code, key or policy
	Network     Kind = 7  // DNS, connect, TLS, proxy, or an answer that is not AWS's
	Unavailable Kind = 8  // AWS throttled the call or answered 5xx
	Deadline    Kind = 9  // the lock or a free time step did not come in time
	Clock       Kind = 10 // the clock is wrong beyond correction
	Filesystem  Kind = 11 // permission, full or read-only disk
	Permissions Kind = 12 // a file of ours is open to, or owned by, others

	NotExecutable Kind = 126 // the command of exec is there and cannot be run; as env(1) has it
	NotFound      Kind = 127 // the command of exec is not there; as env(1) has it
)

// Error is one failure, told in three parts that fit one line:
//
//	<Thing>: <Cause>; <Remedy>
//
// None of the three may hold a seed, secret key, session token or token code.
type Error struct {
	Kind   Kind
	Thing  string // what it is about: `profile "work"`, a path with its line, a host
	Cause  string // what is wrong with it, lower case, no final period
	Remedy string // what to do or, better, to type; may be empty
	Err    error  // the underlying error for errors.Is; never printed
}

// New returns an Error whose cause is formatted as by fmt.Sprintf.
func New(kind Kind, thing, remedy, format string, args ...any) *Error {
	return &Error{Kind: kind, Thing: thing, Remedy: remedy, Cause: fmt.Sprintf(format, args...)}
}

// Error returns "<Thing>: <Cause>".
func (e *Error) Error() string {
	if e.Thing == "" {
		return e.Cause
	}
	return e.Thing + ": " + e.Cause
}

// Unwrap returns the underlying error, if there is one.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the class of err: that of the first *Error in its chain, or
// Internal for an error nobody classified.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// These cap the parts of a line, in bytes, so that the whole stays under the 1 KiB that consumers pass on
// whole.
const (
	maxPart   = 300
	maxRemedy = 380 // a command that is cut does harm
)

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
	return cut(e.Remedy, maxRemedy)
}

// Line returns "<Thing>: <Cause>; <Remedy>": all of err in the one line that
// the consumer of a credential process shows or logs.
func Line(err error) string {
	if remedy := Remedy(err); remedy != "" {
		return Text(err) + "; " + remedy
	}
	return Text(err)
}

// Escape makes s one printable line: ASCII stays, the rest is escaped as in a Go string literal.
func Escape(s string) string {
	if printable(s) {
		return s
	}
	quoted := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Printable is Escape for what may be long: it cuts what exceeds maxPart.
func Printable(s string) string { return cut(s, maxPart) }

func cut(s string, limit int) string {
	s = Escape(strings.TrimSpace(s))
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= utf8.RuneSelf || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// Duration writes d without zero minutes and seconds: 12h, 1h30m, 15s.
func Duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// About writes d as exactly as a person wants to know it: in days from two on, to the minute from an hour on,
// else to the second.
func About(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return strconv.Itoa(int(d.Round(day)/day)) + " days"
	case d >= time.Hour:
		return Duration(d.Round(time.Minute))
	}
	return Duration(d.Round(time.Second))
}

// Time writes t for people: in the local time zone, which it names, and how far it is from now, if that is not
// zero. JSON has UTC.
func Time(t, now time.Time) string {
	text := t.Local().Format("2006-01-02 15:04 MST")
	switch {
	case now.IsZero():
		return text
	case t.Before(now):
		return text + " (" + About(now.Sub(t)) + " ago)"
	}
	return text + " (in " + About(t.Sub(now)) + ")"
}

// plain is what no shell takes for anything else.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:"

// Shell returns path as a shell reads it back, for remedies that can be pasted. What Escape would change is
// written in ANSI-C quotes, which bash, zsh and POSIX.1-2024 have. On Windows, PowerShell and cmd.exe read it.
func Shell(path string) string {
	if runtime.GOOS == "windows" {
		return windowsWord(path)
	}
	if strings.Trim(path, plain+"+@%,") == "" && path != "" {
		return path
	}
	if printable(path) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	quoted := "$'"
	for i := range len(path) {
		if c := path[i]; c == '\'' || c == '\\' || !printable(path[i:i+1]) {
			quoted += fmt.Sprintf(`\%03o`, c)
		} else {
			quoted += path[i : i+1]
		}
	}
	return quoted + "'"
}

// Chmod returns the command that gives this user a permission for path, such as "u+r"; on Windows, one that does as much.
func Chmod(mode, path string) string {
	switch {
	case runtime.GOOS != "windows":
		return "chmod " + mode + " " + Shell(path)
	case mode == "u+w":
		return "attrib -r " + Shell(path)
	}
	return "icacls " + Shell(path) + " /reset"
}

// windowsWord quotes for PowerShell, which also takes the quotation marks of print for quotes. Cmd.exe keeps its
// backquotes, so that it finds no such file; but it runs nothing of what is quoted either.
func windowsWord(path string) string {
	if strings.Trim(path, plain+`\~`) == "" && path != "" {
		return path
	}
	return `"` + strings.NewReplacer(`"`, `""`, "`", "``", "$", "`$", "\u201c", "`\u201c", "\u201d", "`\u201d", "\u201e", "`\u201e").Replace(path) + `"`
}
