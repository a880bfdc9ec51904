package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

func TestWorst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want  fault.Kind
		found []Finding
	}{
		{0, nil},
		{0, []Finding{{Severity: Warning, Kind: fault.Config}, {Severity: Info}}},
		{fault.Refused, []Finding{{Severity: Warning}, {Severity: Error, Kind: fault.Refused}}},
		{fault.Config, []Finding{{Severity: Error, Kind: fault.Refused}, {Severity: Error, Kind: fault.Config}, {Severity: Error, Kind: fault.NoSecret}}},
		{fault.Permissions, []Finding{{Severity: Error, Kind: fault.Config}, {Severity: Error, Kind: fault.Permissions}}},
		{fault.Internal, []Finding{{Severity: Error, Kind: fault.Internal}}},
	} {
		if got := Worst(c.found); got != c.want {
			t.Errorf("%v: %d, want %d", c.found, got, c.want)
		}
	}
}

// TestOrder has the machine come before the profiles, in their order, and the worst first.
func TestOrder(t *testing.T) {
	t.Parallel()
	p := func(name string) Profile {
		return Profile{Name: name, Unusable: fault.New(fault.Config, name, "fix it", "bad"), Settings: profile.Settings{Notes: []string{"x:1: " + name}, Endpoint: "http://127.0.0.1:1"}}
	}
	f := Facts{Now: now, Cache: Cache{NoLocks: true}, Profiles: []Profile{p("b"), p("a")}}
	var got []string
	for _, found := range Examine(f) {
		got = append(got, fmt.Sprintf("%s %s", found.Profile, found.ID))
	}
	want := []string{" cache-no-locks", "b settings-refused", "b settings-corrected", "b endpoint-override", "a settings-refused", "a settings-corrected"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestOurs(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		good: true, `"C:\Program Files\AWS-MFA-CREDS.EXE" get`: true, "env A=b aws-mfa-creds get": true, "/usr/bin/env AWS_MFA_CREDS_HOME=/x/aws-mfa-creds /bin/aws-mfa-creds get": true, "~/aws-mfa-creds-1.2 get": true,
		"": false, "/aws-mfa-creds/other get": false, "aws sts x": false, "aws-vault exec x": false, "/usr/bin/env H=/x/aws-mfa-creds /opt/other": false,
	} {
		if got := profile.Ours(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// FuzzCommand examines profiles with any name and command, and the config that holds them.
func FuzzCommand(f *testing.F) {
	for _, line := range []string{good, good + " # x", `"a b" c`, "aws --profile", "aws --profile work", "AWS_PROFILE=work aws x", "~/x", "\"", ";", " ;", "C:\\x", "\x1b[2J", "a\xff b", "\u202e\x7f"} {
		f.Add("work", line)
		f.Add(line, good)
	}
	f.Fuzz(func(t *testing.T, name, line string) {
		facts := work(line, machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("a", profile.KeyCommand, line), section(name, profile.KeySource, line), section("c", profile.KeyCommand, "aws --profile "+name))
		}), one(func(p *Profile) {
			p.Name, p.MFAProcess, p.Unfinished = name, strings.Fields(line), "left "+name+"; run it again: x "+line
			p.Unusable = fault.New(fault.Config, name, "run: x "+line, "bad %s", line)
			p.Key, p.Seed = p.Unusable, p.Unusable
		}))
		for _, found := range Examine(facts) {
			if found.ID == "" || found.What == "" || found.Consequence == "" || found.Remedy == "" || found.Severity == Error && found.Kind == 0 {
				t.Errorf("%+v", found)
			}
			for _, part := range []string{found.Place, found.What, found.Consequence, found.Remedy} {
				if part != fault.Escape(part) {
					t.Errorf("not printable: %q", part)
				}
			}
			text, err := json.Marshal(found) // what prints it escapes the rest that is no ASCII
			if err != nil || !utf8.Valid(text) || strings.ContainsFunc(string(text), func(r rune) bool { return r < ' ' }) {
				t.Errorf("not printable: %q, %v", text, err)
			}
		}
	})
}
