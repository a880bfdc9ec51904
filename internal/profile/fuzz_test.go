package profile

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/test/oddconfig"
)

// FuzzResolve reads any bytes as both files: nothing panics or hangs, the quick search for
// headers finds what reading line by line finds, and a section of another profile changes nothing.
func FuzzResolve(f *testing.F) {
	for _, c := range oddconfig.Corpus() {
		if len(c.Text) < 1<<12 {
			f.Add([]byte(c.Text), []byte("[x]\nstore = a\n"))
			f.Add([]byte("[profile x]\n"), []byte(c.Text))
		}
	}
	f.Add([]byte("[profile x]\nrole_arn = "+roleA+"\nsource_profile = y\n[profile y]\n"), []byte("[y]\nmfa_serial = "+serial))
	f.Fuzz(func(t *testing.T, aws, own []byte) {
		if bytes.HasSuffix(aws, []byte("\r")) || bytes.HasSuffix(own, []byte("\r")) {
			return // the LF that is added would complete a line end
		}
		before, ok := settings(t, aws, own)
		if !ok {
			return
		}
		const unrelated = "unrelated # profile"
		more := slices.Concat(aws, []byte("\n[profile \""+unrelated+"\"]\nregion = eu-south-1\nrole_arn = no\n"))
		moreOwn := slices.Concat(own, []byte("\n["+unrelated+"]\nregion = eu-south-1\nnonsense = 1\n"))
		after, _ := settings(t, more, moreOwn)
		if !reflect.DeepEqual(before, after) {
			t.Errorf("an unrelated section changes\n%+v into\n%+v", before, after)
		}
	})
}

// settings returns what the files say about x and default, or nothing where they
// are refused.
func settings(t *testing.T, aws, own []byte) (all []Settings, ok bool) {
	a, err := Parse("config", AWSConfig, string(aws))
	if err != nil {
		return nil, false
	}
	sameHeaders(t, a)
	o, err := Parse("profiles.ini", Plain, string(own))
	if err != nil {
		return nil, false
	}
	files := &Files{AWS: a, Own: o, Credentials: &File{dialect: AWSCredentials}}
	files.Names()
	for _, name := range []string{"x", "default"} {
		s, _ := files.Resolve(Call{Profile: name}, environment())
		all = append(all, s)
	}
	return all, true
}

// sameHeaders checks the headers that scan found with its shortcut.
func sameHeaders(t *testing.T, f *File) {
	t.Helper()
	var want []Header
	var n Line
	for l := (lines{data: f.Data}); l.next(&n); {
		if n.kind == headerLine {
			if last := len(want) - 1; last >= 0 {
				want[last].End = n.Offset
			}
			want = append(want, Header{n.Text, n.Offset, l.pos, len(f.Data), n.indent, f.dialect.title(n.Text)})
		}
	}
	if got := f.Headers(); !slices.Equal(got, want) {
		t.Fatalf("the headers of %q are\n%+v, want\n%+v", f.Data, got, want)
	}
}
