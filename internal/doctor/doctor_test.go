package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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

func TestFirstWord(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                               " false",
		"/bin/x get":                     "/bin/x false",
		"  x ":                           "x false",
		`"/my bin/x" get`:                "/my bin/x true",
		`'/my bin/x`:                     "/my bin/x true",
		`C:\a\aws-mfa-creds.exe  get`:    `C:\a\aws-mfa-creds.exe false`,
		"/bin/x\tget":                    "/bin/x false",
		`""`:                             " true",
		"env A=b /bin/aws-mfa-creds get": "env false",
	} {
		program, quoted := FirstWord(line)
		if got := fmt.Sprint(program, " ", quoted); got != want {
			t.Errorf("%q: %s", line, got)
		}
	}
}

func TestOurs(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		good: true, `"C:\Program Files\AWS-MFA-CREDS.EXE" get`: true, "env A=b aws-mfa-creds get": true, "~/aws-mfa-creds-1.2 get": true,
		"": false, "/aws-mfa-creds/other get": false, "aws sts x": false, "aws-vault exec x": false,
	} {
		if got := profile.Ours(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// FuzzCommand examines profiles with any command, and the config that holds it.
func FuzzCommand(f *testing.F) {
	for _, line := range []string{good, good + " # x", `"a b" c`, "aws --profile", "aws --profile work", "AWS_PROFILE=work aws x", "~/x", "\"", ";", " ;", "C:\\x"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		facts := work(line, machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("a", profile.KeyCommand, line), section("b", profile.KeySource, line))
		}), one(func(p *Profile) { p.MFAProcess = strings.Fields(line) }))
		for _, found := range Examine(facts) {
			if found.ID == "" || found.What == "" || found.Consequence == "" || found.Remedy == "" || found.Severity == Error && found.Kind == 0 {
				t.Errorf("%+v", found)
			}
			if strings.ContainsAny(found.Place+found.What, "\x1b\n\r\x00") {
				t.Errorf("not printable: %+v", found)
			}
		}
	})
}
