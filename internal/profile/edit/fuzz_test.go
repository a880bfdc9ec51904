package edit

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// FuzzDiff: no diff shows a secret, nor what a terminal would take for a command.
func FuzzDiff(f *testing.F) {
	const hidden = "HIDDENhiddenHIDDEN"
	f.Add("[default]\nregion = x\n", "[default]\n", "aws_secret_access_key = ")
	f.Add("[a]\r\n", "[b]", "AWS_SESSION_TOKEN=")
	f.Add("\x1b[2J\n", "\xff", "secret:\n\t")
	f.Add("a", "", "password =\n  x\n  ")
	f.Fuzz(func(t *testing.T, before, after, key string) {
		name, _, ok := strings.Cut(key, "\n")
		if end := strings.IndexAny(name, "=:"); !ok && end < 0 || end < 0 || !fault.NamesSecret(name[:end]) || strings.Contains(before+after+key, hidden) {
			return
		}
		for rest := range strings.SplitSeq(key[len(name):], "\n") {
			if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
				return // another key's line
			}
		}
		secret := "\n" + key + hidden + "\n"
		if strings.HasSuffix(key, "\n") {
			return
		}
		for _, c := range []Change{changeOf(before+secret, after+secret), changeOf(before, after+secret), changeOf(secret, before+after)} {
			got := c.Diff()
			if strings.Contains(got, hidden) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
				t.Errorf("%q -> %q: %q", c.Old.Reveal(), c.New.Reveal(), got)
			}
		}
	})
}

// FuzzRecall: what register remembers is refused, or comes back as it was, and is of whole lines.
func FuzzRecall(f *testing.F) {
	for _, text := range []string{`{}`, `{"section":true,"set":{"region":"x"}}`, `{"was":{"credential_process":"credential_process = a \u0023 b"}}`, `{"was":{"x":"a\nb"}}`, `{"set":{"\n":"y"}}`, `[]`, `{"set":null}`, "{} ; x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		own, err := newEdit("profiles.ini", profile.Plain, "[x]\nregistered = "+text+"\n", "x")
		if err != nil {
			return
		}
		m, err := recall(own)
		if err != nil || m.empty() {
			return
		}
		for _, values := range []map[string]string{m.Set, m.Was} {
			for key, value := range values {
				if strings.ContainsAny(key+value, "\r\n") {
					t.Errorf("%q: %q = %q", text, key, value)
				}
			}
		}
		if err := m.remember(own); err != nil {
			t.Fatalf("%q cannot be remembered: %v", text, err)
		}
		if again, err := recall(own); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%q: %+v comes back as %+v, %v", text, m, again, err)
		}
	})
}
