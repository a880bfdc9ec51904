package profile

import (
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"12h": 12 * time.Hour, "1h30m": 90 * time.Minute, "43200": 12 * time.Hour, "90m": 90 * time.Minute, "0900": 900 * time.Second,
		"1h0m1s": time.Hour + time.Second, "1000000000": 1e9 * time.Second,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "0", "0h", "1e9", "-1", "-1h", "+1h", "NaN", "inf", "1.5h", "3600.0", "1h0.5s", "500ms", "12 h", "12H", "h", "1d",
		"99999999999999999999", "9999999999", "9999999h", "0x10", "1_000", "\u0661\u0662h", "1\u00b5s", "12h ", "twelve",
	} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q is accepted as %v", text, got)
		}
	}
}

func TestDurationRefuses(t *testing.T) {
	t.Parallel()
	role := "[profile x]\nrole_arn = " + roleA + "\n"
	for name, c := range map[string]struct {
		aws, flag string
		kind      fault.Kind
		parts     []string
	}{
		"session":          {"[profile x]\nduration_seconds = 1e9\n", "", fault.Config, []string{"config:2", `"1e9"`, "15m to 36h"}},
		"role":             {role + "duration_seconds = -1\n", "", fault.Config, []string{"config:3", `"-1"`, "15m to 12h"}},
		"chained":          {role + "source_profile = y\nduration_seconds = 1.5\n[profile y]\nrole_arn = " + roleB, "", fault.Config, []string{"15m to 1h"}},
		"flag for session": {"[profile x]\n", "NaN", fault.Usage, []string{"--duration", "15m to 36h"}},
		"flag for role":    {role, "99999999999999999999", fault.Usage, []string{"--duration", "15m to 12h"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, c.aws, "").Resolve(Call{"x", Flags{Duration: c.flag}}, environment())
			wantFault(t, err, c.kind, c.parts...)
		})
	}
}

// TestDurationFlagOutOfRange: what is typed wrong is told at once, since nobody would see a note.
func TestDurationFlagOutOfRange(t *testing.T) {
	t.Parallel()
	for flag, ok := range map[string]bool{"899": false, "900": true, "12h": true, "43201": false, "12": false, "37h": false} {
		s, err := load(t, "[profile x]\nrole_arn = "+roleA+"\n", "").Resolve(Call{"x", Flags{Duration: flag}}, environment())
		if ok && (err != nil || s.Roles[0].Duration > maxRole) || !ok && fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %+v, %v", flag, s, err)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	f.Add("12h")
	f.Add("43200")
	f.Add("1e9")
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := parseDuration(text)
		if ok && (d <= 0 || d%time.Second != 0 || strings.ContainsAny(text, "+-.eE ")) {
			t.Errorf("%q is accepted as %v", text, d)
		}
	})
}
