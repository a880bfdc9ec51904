package edit

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/oddconfig"
)

// act applies changes to the section of x: "key=value" sets, "-key" removes, "!" removes the
// section, "?" removes it if it is empty.
func act(e *edit, changes ...string) error {
	for _, c := range changes {
		var err error
		key, value, isSet := strings.Cut(c, "=")
		switch {
		case c == "!":
			err = e.removeSection()
		case c == "?":
			err = e.removeIfEmpty()
		case isSet:
			err = e.set(key, value)
		default:
			err = e.remove(strings.TrimPrefix(c, "-"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// edited returns text after the changes to a profile.
func edited(d profile.Dialect, name, text string, changes ...string) (string, error) {
	e, err := newEdit("config", d, text, name)
	if err != nil {
		return "", err
	}
	if err := act(e, changes...); err != nil {
		return "", err
	}
	after, err := e.content()
	return after, err
}

type golden struct {
	name    string
	changes string // separated by |
	before  string
	after   string
}

// awsGolden are edits of [profile x] in the AWS config.
func awsGolden() []golden {
	return []golden{
		{"set, empty file", "region=a", "", "[profile x]\nregion = a\n"},
		{"set two, empty file", "region=a|output=b", "", "[profile x]\nregion = a\noutput = b\n"},
		{"set, only BOM", "region=a", "\ufeff", "\ufeff\n[profile x]\nregion = a\n"},
		{"set, only comments", "region=a", "# mine\n", "# mine\n\n[profile x]\nregion = a\n"},
		{"set, only a blank line", "region=a", "\n", "\n\n[profile x]\nregion = a\n"},
		{"set, new section", "region=a", "[default]\nregion = b\n", "[default]\nregion = b\n\n[profile x]\nregion = a\n"},
		{"set, new section, CR LF", "region=a", "[default]\r\nregion = b\r\n", "[default]\r\nregion = b\r\n\r\n[profile x]\r\nregion = a\r\n"},
		{"set, new section, no newline at the end", "region=a", "[default]\nregion = b", "[default]\nregion = b\n\n[profile x]\nregion = a"},
		{"set, new section, CR LF, no newline", "region=a", "[default]\r\nregion = b", "[default]\r\nregion = b\r\n\r\n[profile x]\r\nregion = a"},
		{"set, new section behind a comment", "region=a", "[default]\n# end", "[default]\n# end\n\n[profile x]\nregion = a"},
		{"set, new section behind blank lines", "region=a", "[default]\n\n\n", "[default]\n\n\n\n[profile x]\nregion = a\n"},
		{"set, new section behind a block", "region=a", "[default]\ns3 =\n  a = b\n", "[default]\ns3 =\n  a = b\n\n[profile x]\nregion = a\n"},
		{"set, new section behind an indented one", "region=a", " [default]\n  region = b\n", " [default]\n  region = b\n\n[profile x]\nregion = a\n"},
		{"set, [x] is no profile", "region=a", "[x]\nregion = b\n", "[x]\nregion = b\n\n[profile x]\nregion = a\n"},
		{"set, already so", "region=a", "[profile x]\nregion=a\n", "[profile x]\nregion=a\n"},
		{"set, already so, odd spacing", "region=a", "[profile x]\n\tregion \t=\t a \t\n", "[profile x]\n\tregion \t=\t a \t\n"},
		{"set, already so, twice", "region=a", "[profile x]\nregion = b\nregion = a\n", "[profile x]\nregion = b\nregion = a\n"},
		{"set, other value", "region=a", "[profile x]\nregion = b\noutput = c\n", "[profile x]\nregion = a\noutput = c\n"},
		{"set, spacing stays", "region=a", "[profile x]\n  region=b  \n", "[profile x]\n  region=a\n"},
		{"set, tabs stay", "region=a", "[profile x]\nregion\t=\tb\n", "[profile x]\nregion\t=\ta\n"},
		{"set, colon stays", "region=a", "[profile x]\nregion: b = c\n", "[profile x]\nregion: a\n"},
		{"set, no value before", "region=a", "[profile x]\nregion =\noutput=\n", "[profile x]\nregion = a\noutput=\n"},
		{"set, no value, no space", "region=a", "[profile x]\nregion=\n", "[profile x]\nregion=a\n"},
		{"set, inline comment goes", "region=a", "[profile x]\nregion = b # mine\n", "[profile x]\nregion = a\n"},
		{"set, key in other case", "region=a", "[profile x]\n REGION=a\n", "[profile x]\n region = a\n"},
		{"set, last of two", "region=a", "[profile x]\nregion = b\nregion = c\n", "[profile x]\nregion = b\nregion = a\n"},
		{"set, last of two sections", "region=a", "[profile x]\nregion = b\n[profile x]\nregion = c\n", "[profile x]\nregion = b\n[profile x]\nregion = a\n"},
		{"set, first of two sections has it", "region=a", "[profile x]\nregion = b\n[profile x]\noutput = c\n", "[profile x]\nregion = a\n[profile x]\noutput = c\n"},
		{"set, two sections, neither has it", "region=a", "[profile x]\noutput = b\n\n[profile x]\noutput = c\n", "[profile x]\noutput = b\n\n[profile x]\noutput = c\nregion = a\n"},
		{"set, two spellings", "region=a", "[profile x]\nregion = b\n[profile \"x\"]\noutput = c\n", "[profile x]\nregion = b\n[profile \"x\"]\noutput = c\nregion = a\n"},
		{"set, quoted header", "region=a", "[profile 'x']\nregion = b\n", "[profile 'x']\nregion = a\n"},
		{"set, loose header", "region=a", "[ profile x ]\nregion = b\n", "[ profile x ]\nregion = a\n"},
		{"set, header with comment", "region=a", "[profile x] # mine\n", "[profile x] # mine\nregion = a\n"},
		{"set, header alone without newline", "region=a", "[profile x]", "[profile x]\nregion = a"},
		{"set, header alone, CR LF", "region=a", "[profile x]\r\n", "[profile x]\r\nregion = a\r\n"},
		{"set, header alone, next is deeper", "region=a", "[profile x]\n  [profile y]\n  region = b\n", "[profile x]\n  region = a\n  [profile y]\n  region = b\n"},
		{"set, all indented", "region=a", "  [profile x]\n    output = b\n    [profile y]\n", "  [profile x]\n    output = b\n    region = a\n    [profile y]\n"},
		{"set, behind a block", "region=a", "[profile x]\ns3 =\n  region = b\n\n[profile y]\n", "[profile x]\ns3 =\n  region = b\nregion = a\n\n[profile y]\n"},
		{"set, behind a block with comments", "region=a", "[profile x]\ns3 =\n  # one\n  region = b\n  # two\n", "[profile x]\ns3 =\n  # one\n  region = b\nregion = a\n  # two\n"},
		{"set, before the comments at the end", "region=a", "[profile x]\noutput = b\n\n# about y\n[profile y]\n", "[profile x]\noutput = b\nregion = a\n\n# about y\n[profile y]\n"},
		{"set, indented header is a value", "region=a", "[profile x]\noutput = b\n  [profile y]\n  region = c\n", "[profile x]\noutput = b\n  [profile y]\n  region = c\nregion = a\n"},
		{"set, value of two lines", "region=a", "[profile x]\nregion = b\n  c\noutput = d\n", "[profile x]\nregion = a\noutput = d\n"},
		{"set, a block becomes a value", "region=a", "[profile x]\nregion =\n  # stays\n  b = c\n\n  d\noutput = e", "[profile x]\nregion = a\n  # stays\n\noutput = e"},
		{"set, no newline at the end", "region=a", "[profile x]\noutput = b", "[profile x]\noutput = b\nregion = a"},
		{"set, replace at the end", "region=a", "[profile x]\nregion = b", "[profile x]\nregion = a"},
		{"set, mixed line ends", "region=a", "[default]\n\r\n[profile x]\r\noutput = b\r\n[profile y]\n", "[default]\n\r\n[profile x]\r\noutput = b\r\nregion = a\r\n[profile y]\n"},
		{"set, BOM and CR LF", "region=a", "\ufeff[profile x]\r\nregion = b\r\n", "\ufeff[profile x]\r\nregion = a\r\n"},
		{"set, DEFAULT has it", "region=a", "[DEFAULT]\nregion = a\n[profile x]\noutput = b\n", "[DEFAULT]\nregion = a\n[profile x]\noutput = b\nregion = a\n"},
		{"set, garbage elsewhere", "region=a", "[other]\n\"\"\"\n`a\n[profile x]\n", "[other]\n\"\"\"\n`a\n[profile x]\nregion = a\n"},
		{"set, garbage within", "region=a", "[profile x]\ngarbage\n[profile y\n", "[profile x]\ngarbage\n[profile y\nregion = a\n"},
		{"set, binary elsewhere", "region=a", "[other]\nx = \xff\xfe\n", "[other]\nx = \xff\xfe\n\n[profile x]\nregion = a\n"},
		{"remove, not there", "-region", "[profile x]\noutput = a\n", "[profile x]\noutput = a\n"},
		{"remove, no section", "-region|?", "[profile y]\nregion = a\n", "[profile y]\nregion = a\n"},
		{"remove", "-region", "[profile x]\nregion = a\noutput = b\n", "[profile x]\noutput = b\n"},
		{"remove, all cases and delimiters", "-region", "[profile x]\nRegion: a\noutput = b\n  \nREGION=c\nregion\t= d\n", "[profile x]\noutput = b\n  \n"},
		{"remove, all spellings", "-region", "[profile x]\nregion = a\n[profile \"x\"]\nregion = b\n[ profile x ]\nregion = c\n", "[profile x]\n[profile \"x\"]\n[ profile x ]\n"},
		{"remove, with the lines that continue it", "-region", "[profile x]\nregion = a\n  b\n# stays\n\n  c\noutput = d\n", "[profile x]\n# stays\n\noutput = d\n"},
		{"remove, not from a block", "-region", "[profile x]\ns3 =\n  region = a\nregion = b\n", "[profile x]\ns3 =\n  region = a\n"},
		{"remove, last line without newline", "-region", "[profile x]\noutput = a\nregion = b", "[profile x]\noutput = a"},
		{"remove, last line without newline, CR LF", "-region", "[profile x]\r\nregion = b", "[profile x]"},
		{"remove, not of another", "-region", "[profile y]\nregion = a\n[profile x]\nregion = b\n[default]\nregion = c\n", "[profile y]\nregion = a\n[profile x]\n[default]\nregion = c\n"},
		{"empty, section stays", "-region", "[profile x]\nregion = a\n", "[profile x]\n"},
		{"empty, section goes", "-region|?", "[default]\na = b\n\n[profile x]\nregion = a\n\n[profile y]\n", "[default]\na = b\n\n[profile y]\n"},
		{"empty, comments stay", "-region|?", "[default]\n\n[profile x]\n# mine\nregion = a\n# yours\n", "[default]\n# mine\n# yours\n"},
		{"empty, not so", "-region|?", "[profile x]\nregion = a\noutput = b\n", "[profile x]\noutput = b\n"},
		{"section goes", "!", "[default]\na = b\n\n[profile x]\n# mine\nregion = a\n# about y\n[profile y]\n", "[default]\na = b\n# about y\n[profile y]\n"},
		{"section goes, first", "!", "[profile x]\nregion = a\n\n[profile y]\n", "[profile y]\n"},
		{"section goes, first, CR LF", "!", "\ufeff[profile x]\r\nregion = a\r\n\r\n[profile y]\r\n", "\ufeff[profile y]\r\n"},
		{"section goes, last, no newline", "!", "[profile y]\n\n[profile x]\nregion = a", "[profile y]"},
		{"section goes, only one", "!", "[profile x]\nregion = a", ""},
		{"section goes, no blank line", "!", "[profile y]\n[profile x]\nregion = a\n[profile z]\n", "[profile y]\n[profile z]\n"},
		{"section goes, all of it", "!", "[profile x]\na = b\n[profile y]\n[profile 'x']\nc = d\n  e\n\n[ profile x ]", "[profile y]"},
		{"section goes, with block", "!", "[profile x]\ns3 =\n  a = b\n\n  c = d\n\n# end\n", "# end\n"},
		{"no section to go", "!", "[profile y]\n", "[profile y]\n"},
	}
}

// ownGolden are edits of [x] in profiles.ini or in the AWS credentials file.
func ownGolden() []golden {
	return []golden{
		{"new section", "store=age", "[y]\nstore = pass\n", "[y]\nstore = pass\n\n[x]\nstore = age\n"},
		{"new file", "store=age|key_store=pass", "", "[x]\nstore = age\nkey_store = pass\n"},
		{"white space in the header", "store=age", "[ x ]\nstore = pass\n", "[ x ]\nstore = age\n"},
		{"profile x is another", "store=age", "[profile x]\nstore = pass\n", "[profile x]\nstore = pass\n\n[x]\nstore = age\n"},
		{"repeated section", "store=age", "[x]\nstore = pass\n[x]\nregion = a\n", "[x]\nstore = age\n[x]\nregion = a\n"},
		{"static key", "-aws_access_key_id|-aws_secret_access_key|?", "[default]\naws_access_key_id = A\n\n[x]\naws_access_key_id = B\naws_secret_access_key = C\n", "[default]\naws_access_key_id = A\n"},
		{"static key, more in the section", "-aws_access_key_id|-aws_secret_access_key|?", "[x]\naws_access_key_id=B\naws_secret_access_key=C\nregion=a\n", "[x]\nregion=a\n"},
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	for d, all := range [][]golden{profile.AWSConfig: awsGolden(), profile.Plain: ownGolden()} {
		for _, c := range all {
			changes := strings.Split(c.changes, "|")
			got, err := edited(profile.Dialect(d), "x", c.before, changes...)
			if err != nil || got != c.after {
				t.Errorf("%s: %q\nbecomes %q, %v\nwant    %q", c.name, c.before, got, err, c.after)
			}
			if again, err := edited(profile.Dialect(d), "x", got, changes...); err != nil || again != got {
				t.Errorf("%s: a second time: %q, %v", c.name, again, err)
			}
		}
	}
}

func TestEditDefault(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		"":                              "[default]\nregion = a\n",
		"[default]\n":                   "[default]\nregion = a\n",
		"[profile default]\nregion=b\n": "[profile default]\nregion=a\n",
		"[default]\nregion=b\n[profile default]\nregion=c\n": "[default]\nregion=b\n[profile default]\nregion=a\n",
		"[DEFAULT]\nregion=b\n":                              "[DEFAULT]\nregion=b\n\n[default]\nregion = a\n",
	} {
		if got, err := edited(profile.AWSConfig, "default", before, "region=a"); err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", before, got, err, want)
		}
	}
}

// TestEditNames writes sections for odd names and reads them back.
func TestEditNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"a b":          {"[profile 'a b']", "[a b]"},
		"bob's":        {`[profile "bob's"]`, "[bob's]"},
		`say "hi"`:     {`[profile 'say "hi"']`, `[say "hi"]`},
		`DOMAIN\user`:  {`[profile 'DOMAIN\user']`, `[DOMAIN\user]`},
		"a[b":          {"[profile a[b]", "[a[b]"},
		"#a;b=c:d":     {"[profile #a;b=c:d]", "[#a;b=c:d]"},
		"DEFAULT":      {"[profile DEFAULT]", "[DEFAULT]"},
		"profile":      {"[profile profile]", "[profile]"},
		"profile y":    {"[profile 'profile y']", "[profile y]"},
		"\u00e4\u2764": {"[profile \u00e4\u2764]", "[\u00e4\u2764]"},
		"o'neil \\x":   {`[profile "o'neil \x"]`, `[o'neil \x]`},
		"o'neil \"x\"": {"", `[o'neil "x"]`},
		"o'neil \\\\":  {"", `[o'neil \\]`},
		"a]b":          {}, "": {}, " a": {}, "a\t": {}, "a\nb": {}, "a\x00": {}, "a\x7f": {}, "a\xff": {}, "a\u0085b": {}, "\u00a0a": {},
	} {
		for d, head := range want {
			got, err := edited(profile.Dialect(d), name, "", "region=a")
			if head == "" {
				wantFault(t, err, fault.Usage)
				continue
			}
			if want := head + "\nregion = a\n"; err != nil || got != want {
				t.Errorf("%q: %q, %v; want %q", name, got, err, want)
			}
			if back, err := edited(profile.Dialect(d), name, got, "!"); err != nil || back != "" {
				t.Errorf("%q is not found in %q: %q, %v", name, got, back, err)
			}
		}
	}
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, change string
		kind         fault.Kind
		part         string
	}{
		"empty value":          {"", "region=", fault.Usage, "region: its value is empty"},
		"new line":             {"", "region=canary\nb", fault.Usage, "control character"},
		"CR":                   {"", "region=canary\rb", fault.Usage, "control character"},
		"tab":                  {"", "region=canary\tb", fault.Usage, "control character"},
		"NUL":                  {"", "region=canary\x00b", fault.Usage, "control character"},
		"no-break space":       {"", "region=canary\u00a0b", fault.Usage, "other than a space"},
		"zero width":           {"", "region=canary\u200bb", fault.Usage, "control character"},
		"right to left":        {"", "region=canary\u202eb", fault.Usage, "control character"},
		"not UTF-8":            {"", "region=canary\xff", fault.Usage, "not UTF-8"},
		"space before":         {"", "region= canary", fault.Usage, "white space at an end"},
		"space behind":         {"", "region=canary ", fault.Usage, "white space at an end"},
		"quotation":            {"", "region=\"canary\"", fault.Usage, "quotation mark"},
		"single quotation":     {"", "region='canary'", fault.Usage, "quotation mark"},
		"backquote":            {"", "credential_process=`canary`", fault.Usage, "quotation mark"},
		"three marks":          {"", "credential_process=\"\"\"canary", fault.Usage, "quotation mark"},
		"comment":              {"", "region=canary # b", fault.Usage, "begin a comment"},
		"comment, semicolon":   {"", "region=canary ;b", fault.Usage, "begin a comment"},
		"all comment":          {"", "region=#canary", fault.Usage, "begin a comment"},
		"UTF-16":               {"\xff\xfe[\x00", "region=a", fault.Config, "is UTF-16"},
		"NUL in the file":      {"[profile y]\na = \x00\n", "region=a", fault.Config, "config:2: there is a NUL byte"},
		"CR in the file":       {"[profile y]\n\na = b\rc", "region=a", fault.Config, "config:3: there is a CR without an LF"},
		"CR at the end":        {"[profile y]\r", "region=a", fault.Config, "config:1: there is a CR without an LF"},
		"option before":        {"a = b\n", "region=a", fault.Config, "config:1: there is an option before"},
		"a header depends":     {"[profile y]\na = b\n[profile x]\n    c = d\n  [profile z]\n", "!", fault.Config, "would change another"},
		"too large, by one":    {strings.Repeat("#", profile.MaxSize-1), "region=a", fault.Config, "larger than 64 MiB"},
		"key of several words": {"", "a b=c:d\n", fault.Usage, "control"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := edited(profile.AWSConfig, "x", c.text, c.change)
			wantFault(t, err, c.kind, c.part)
			if got != "" || strings.Contains(fault.Line(err), "canary") {
				t.Errorf("%q, %s", got, fault.Line(err))
			}
		})
	}
	for _, value := range []string{`"C:\Program Files\a.exe" get --profile x`, "'a b' c"} {
		if _, err := edited(profile.AWSConfig, "x", "", "credential_process="+value); err != nil {
			t.Error(err)
		}
	}
}

// changesUndone checks what must hold for every file: a set value is read back, setting
// it again changes nothing, and removing it gives back what was there. It returns the file with
// the value, or "" where the edit was refused.
func changesUndone(t *testing.T, d profile.Dialect, text, name, key, value string) string {
	t.Helper()
	before, err := newEdit("config", d, text, name)
	if err != nil {
		return ""
	}
	_, hadKey := before.last(key)
	had := before.file.Spellings(name)
	after, err := edited(d, name, text, key+"="+value)
	if err != nil {
		return ""
	}
	e, err := newEdit("config", d, after, name)
	if err != nil {
		t.Fatalf("%q becomes %q: %v", text, after, err)
	}
	if n, ok := e.last(key); !ok || n.Value() != value {
		t.Fatalf("%q becomes %q, where %s of %s is %q", text, after, key, name, n.Value())
	}
	if again, err := edited(d, name, after, key+"="+value); err != nil || again != after {
		t.Fatalf("%q becomes %q and then %q, %v", text, after, again, err)
	}
	onlyOneLine(t, text, after, hadKey)
	undo := "-" + key
	if len(had) == 0 {
		undo = "!"
	}
	back, err := edited(d, name, after, undo)
	if err != nil {
		t.Fatalf("%q becomes %q: %v", text, after, err)
	}
	if !hadKey && back != text && !elsewhere(before.file, name, key) {
		t.Fatalf("%q becomes %q and then %q", text, after, back)
	}
	return after
}

// elsewhere reports whether a spelling that the reader passes over has the key.
func elsewhere(f *profile.File, name, key string) bool {
	for _, h := range f.Spellings(name) {
		for _, n := range f.Statements(h) {
			if n.Key() == key {
				return true
			}
		}
	}
	return false
}

// onlyOneLine checks that after differs from before by one stretch, and that all before it and
// all behind it is the same.
func onlyOneLine(t *testing.T, before, after string, hadKey bool) {
	t.Helper()
	head := 0
	for head < min(len(before), len(after)) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < min(len(before), len(after))-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	gone, come := before[head:len(before)-tail], after[head:len(after)-tail]
	if !hadKey && gone != "" {
		t.Fatalf("%q becomes %q: %q is gone", before, after, gone)
	}
	if n := strings.Count(come, "\n"); n > 4 || !hadKey && n == 0 {
		t.Fatalf("%q becomes %q: %q has come", before, after, come)
	}
}

func TestEditCorpus(t *testing.T) {
	t.Parallel()
	done := 0
	for _, c := range oddconfig.Corpus() {
		for _, key := range []string{"region", "credential_process", "mfa_serial"} {
			for _, d := range []profile.Dialect{profile.AWSConfig, profile.Plain} {
				if changesUndone(t, d, c.Text, "x", key, "new value") != "" {
					done++
				}
			}
		}
	}
	if done < 400 {
		t.Errorf("only %d edits were made", done)
	}
}

// FuzzEdit edits any bytes: nothing panics, the outcome can be read again, and what is
// not the profile's stays.
func FuzzEdit(f *testing.F) {
	for _, c := range oddconfig.Corpus() {
		if len(c.Text) < 1<<12 {
			f.Add(c.Text, "x", "region", "a")
		}
	}
	for _, c := range awsGolden() {
		f.Add(c.before, "x", "region", "a")
	}
	f.Fuzz(func(t *testing.T, data, name, key, value string) {
		if len(key) == 0 || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return
		}
		for _, d := range []profile.Dialect{profile.AWSConfig, profile.Plain} {
			changesUndone(t, d, data, name, key, value)
			e, err := newEdit("config", d, data, name)
			if err != nil {
				continue
			}
			before := others(e.file, name)
			if err := act(e, "-"+key, "!"); err != nil {
				t.Fatal(err)
			}
			after, err := e.content()
			if err != nil {
				continue
			}
			again, err := newEdit("config", d, after, name)
			if err != nil || len(again.file.Spellings(name)) > 0 || others(again.file, name) != before {
				t.Fatalf("%q becomes %q, %v", data, after, err)
			}
		}
	})
}
