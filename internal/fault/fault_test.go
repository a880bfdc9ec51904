package fault

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"all parts": {New(Config, `profile "work"`, "run: setup", "no %s", "serial"), `profile "work": no serial; run: setup`},
		"no thing":  {New(Usage, "", "run: help", "unknown flag"), "unknown flag; run: help"},
		"no remedy": {New(Internal, "cache", "", "broken"), "cache: broken"},
		"wrapped":   {fmt.Errorf("outer: %w", New(Network, "host", "", "no route")), "host: no route"},
		"foreign":   {errors.New("plain"), "plain"},
		"control":   {New(Config, "file", "", "line one\nline two\x1b[31m"), `file: line one\nline two\x1b[31m`},
		"not ASCII": {New(Config, "profil \u202e\"x\"", "", "fehlt"), `profil \u202e"x": fehlt`},
		"bad UTF-8": {New(Config, "a\xffb", "", "c"), `a\xffb: c`},
	} {
		if got := Line(test.err); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestLineIsCapped(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	if got := Line(New(Config, long, long, "%s", long)); len(got) >= 1024 {
		t.Errorf("a line of %d bytes", len(got))
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	if got := KindOf(fmt.Errorf("%w", New(Clock, "", "", ""))); got != Clock {
		t.Errorf("KindOf(wrapped) = %d", got)
	}
	if got := KindOf(errors.New("x")); got != Internal {
		t.Errorf("KindOf(plain) = %d", got)
	}
}

func TestUnwrap(t *testing.T) {
	t.Parallel()
	err := &Error{Kind: Filesystem, Err: fs.ErrNotExist}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the underlying error is lost")
	}
}

// TestExitCodes holds the numbers, which scripts test, in place.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	want := []Kind{1: Internal, 2: Usage, 3: Config, 4: NoSecret, 5: Store, 6: Refused, 7: Network, 8: Unavailable, 9: Deadline, 10: Clock, 11: Filesystem, 12: Permissions, 126: NotExecutable, 127: NotFound}
	for code, kind := range want {
		if kind > 0 && int(kind) != code {
			t.Errorf("kind %d has moved from exit code %d", kind, code)
		}
	}
}

func TestRemedyCanBePasted(t *testing.T) {
	for path, want := range map[string]string{
		"/home/me/.cache": "/home/me/.cache", "/a b": "'/a b'", "/it's": `'/it'\''s'`, "/$(x)": "'/$(x)'", "": "''", "/é\\'": `$'/\303\251\134\047'`,
	} {
		if got := Shell(path); got != want {
			t.Errorf("%q: %s", path, got)
		}
	}
}

func TestRemedyCanBePastedOnWindows(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		`C:\PROGRA~1\x-1.ini`: `C:\PROGRA~1\x-1.ini`, `C:\a b`: `"C:\a b"`, "it's": `"it's"`, "": `""`, "a,b": `"a,b"`,
		`a$x`: "\"a`$x\"", "a`b": "\"a``b\"",
		// In cmd.exe, single quotes would let it run calc; in PowerShell, it would do so behind any closing quote.
		`$&calc&`: "\"`$&calc&\"", `"&calc&`: `"""&calc&"`, "a\u201d;calc;\u201c": "\"a`\u201d;calc;`\u201c\"",
	} {
		if got := windowsWord(path); got != want {
			t.Errorf("%q: %s", path, got)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][2]string{
		12 * time.Hour:                  {"12h", "12h"},
		90 * time.Minute:                {"1h30m", "1h30m"},
		15 * time.Minute:                {"15m", "15m"},
		10 * time.Second:                {"10s", "10s"},
		time.Hour + time.Second:         {"1h0m1s", "1h"},
		10*time.Hour + 29*time.Second:   {"10h0m29s", "10h"},
		time.Minute + time.Millisecond:  {"1m0.001s", "1m"},
		0:                               {"0s", "0s"},
		-3 * time.Hour:                  {"-3h", "-3h"},
		36*time.Hour - time.Millisecond: {"35h59m59.999s", "36h"},
	} {
		if got := [2]string{Duration(d), About(d)}; got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 14, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: " (in 0s)", 90 * time.Second: " (in 1m30s)", -90 * time.Minute: " (1h30m ago)", 47*time.Hour + 59*time.Minute: " (in 47h59m)",
		48 * time.Hour: " (in 2 days)", -100 * 24 * time.Hour: " (100 days ago)",
	} {
		at := now.Add(d)
		local := at.Local().Format("2006-01-02 15:04 MST")
		if got := Time(at, now); got != local+want {
			t.Errorf("Time(%v) = %q, want %q", d, got, local+want)
		}
		if got := Time(at, time.Time{}); got != local {
			t.Errorf("Time(%v) without now = %q, want %q", d, got, local)
		}
	}
}
