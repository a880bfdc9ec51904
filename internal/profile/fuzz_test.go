package profile

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

// parsedAs returns data as a file of the dialect.
func parsedAs(data []byte, d dialect) (*file, error) {
	f := &file{path: "config", dialect: d, data: data}
	return f, f.scan()
}

// FuzzResolve reads any bytes as both files: nothing panics or hangs, the quick search for
// headers finds what reading line by line finds, and a section of another profile changes nothing.
func FuzzResolve(f *testing.F) {
	for _, c := range corpus() {
		if len(c.text) < 1<<12 {
			f.Add([]byte(c.text), []byte("[x]\nstore = a\n"))
			f.Add([]byte("[profile x]\n"), []byte(c.text))
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
	a, err := parsedAs(aws, awsConfig)
	if err != nil {
		return nil, false
	}
	sameHeaders(t, a)
	o, err := parsedAs(own, ownConfig)
	if err != nil {
		return nil, false
	}
	files := &Files{Paths{}, a, o}
	files.Names()
	for _, name := range []string{"x", "default"} {
		s, _ := files.Resolve(name, Flags{}, environment())
		all = append(all, s)
	}
	return all, true
}

// sameHeaders checks the headers that scan found with its shortcuts.
func sameHeaders(t *testing.T, f *file) {
	t.Helper()
	i := 0
	for l := (lines{data: f.data}); ; {
		n, ok := l.next()
		if !ok {
			break
		}
		if n.kind != headerLine {
			continue
		}
		if i >= len(f.headers) {
			t.Fatalf("the header at %d was not found", n.offset)
		}
		want := f.header(n, l.pos)
		got := f.headers[i]
		want.body = got.body
		if got != want || !bytes.Equal(f.bytes(got.text), n.text) {
			t.Fatalf("header %d is %+v, want %+v", i, got, want)
		}
		i++
	}
	if i != len(f.headers) {
		t.Fatalf("%d headers were found, want %d", len(f.headers), i)
	}
}
