package profile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSections(t *testing.T) {
	t.Parallel()
	files := load(t, "\ufeff# a comment\r\n[default]\r\nRegion=us-east-1\r\n\r\n[ profile loose ]\r\nno option\r\n[profile \"a b\"]\r\ns3 =\r\n  x = y\r\nregion = a\r\nregion = b\r\n"+
		"[x]\r\naws_secret_access_key = hidden\r\naws_session_token: hidden\r\naws_access_key_id = AKIA1\r\n[services s]\r\n", "")
	var got []string
	for _, s := range files.Sections() {
		text := fmt.Sprintf("%s %q %q %v", strings.TrimPrefix(s.Place, files.paths.AWSConfig+":"), s.Header, s.Profile, s.Loose)
		for _, o := range s.Options {
			text += fmt.Sprintf(" %s=%q@%s", o.Key, o.Value, strings.TrimPrefix(o.Place, files.paths.AWSConfig+":"))
		}
		got = append(got, text)
	}
	want := []string{
		`2 "default" "default" false region="us-east-1"@3`,
		`5 " profile loose " "loose" true`,
		`7 "profile \"a b\"" "a b" false s3=""@8 region="a"@10 region="b"@11`,
		`12 "x" "" false aws_secret_access_key=""@13 aws_session_token=""@14 aws_access_key_id="AKIA1"@15`,
		`16 "services s" "" false`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// FuzzSections checks what is counted line by line against what is counted from the beginning.
func FuzzSections(f *testing.F) {
	for _, text := range []string{"[profile x]\na=b\n", "[default]\r\na : b\r\n c=d\r\n[x]\n", "[profile x]\ra=b\r\r\n[y]\n", " [profile a]\n  b = c\n[d]\ne", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		aws, err := Parse("config", AWSConfig, text)
		if err != nil {
			return
		}
		own, _ := Parse("profiles.ini", Plain, "")
		sections := (&Files{AWS: aws, Own: own}).Sections()
		if len(sections) != len(aws.marks) {
			t.Fatalf("%d sections of %d headers", len(sections), len(aws.marks))
		}
		for i, s := range sections {
			before := aws.Data[:aws.marks[i].line]
			line := 1 + strings.Count(before, "\n") + strings.Count(before, "\r") - strings.Count(before, "\r\n")
			if want := fmt.Sprintf("config:%d", line); s.Place != want {
				t.Errorf("section at %s, counted as %s", want, s.Place)
			}
			for _, o := range s.Options {
				if o.Key == "" || o.Key != strings.ToLower(o.Key) {
					t.Errorf("key %q", o.Key)
				}
			}
		}
	})
}

func TestOwnNames(t *testing.T) {
	t.Parallel()
	files := load(t, "[profile a]\n", "[c]\nregion = us-east-1\n[b]\n[c]\n")
	if got, want := files.Own.Names(), []string{"b", "c"}; !slices.Equal(got, want) {
		t.Errorf("names = %q", got)
	}
}
