package warm

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

const serial = "arn:aws:iam::123456789012:mfa/alice"

// home is a user whose profile "work" has a session in the cache.
type home struct {
	t    testing.TB
	dir  string
	vars map[string]string
	time time.Time
}

func newHome(t testing.TB) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir(), time: time.Now()}
	h.vars = map[string]string{
		profile.EnvHome: filepath.Join(h.dir, "own"), "AWS_CONFIG_FILE": filepath.Join(h.dir, "config"),
		"AWS_MFA_CREDS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_MFA_CREDS_SECRET_ACCESS_KEY": strings.Repeat("s", 40),
		"AWS_MFA_CREDS_SEED": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "AWS_MFA_CREDS_SERIAL": serial,
	}
	h.write("[profile work]\nregion = eu-west-1\n\n[profile admin]\nsource_profile = work\nrole_arn = arn:aws:iam::123456789012:role/admin\n")
	return h
}

func (h *home) write(config string) {
	if err := os.WriteFile(h.vars["AWS_CONFIG_FILE"], []byte(config), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) getenv(name string) string { return h.vars[name] }

func (h *home) now() time.Time { return h.time }

// open opens a profile as the long way does.
func (h *home) open(name string, flags profile.Flags) *Profile {
	h.t.Helper()
	host := Host{Getenv: h.getenv, Now: h.now, Home: func() string { return h.dir }, Rand: rand.Reader}
	files, err := host.Load()
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := host.Open(files, profile.Call{Profile: name, Flags: flags}, false)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// put caches a session of the profile, and returns what get prints for it.
func (h *home) put(name string, flags profile.Flags) string {
	h.t.Helper()
	p := h.open(name, flags)
	s := creds.Session{Minted: h.time, Credentials: creds.Credentials{
		AccessKeyID: "ASIA" + name + flags.Duration, SecretAccessKey: creds.NewSecret("secret"), SessionToken: creds.NewSecret("token"),
		Expiration: h.time.Add(time.Hour).UTC().Truncate(time.Second),
	}}
	if err := p.Cache.Put(p.Plan.Target().ID, s); err != nil {
		h.t.Fatal(err)
	}
	json, err := s.Credentials.ProcessJSON()
	if err != nil {
		h.t.Fatal(err)
	}
	return string(json)
}

func (h *home) answer(args ...string) string {
	json, ok := Answer(args, h.getenv, h.now)
	if ok != (len(json) > 0) {
		h.t.Errorf("%q: %v with %d bytes", args, ok, len(json))
	}
	return string(json)
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	work := h.put("work", profile.Flags{})
	short := h.put("work", profile.Flags{Duration: "2h"})
	admin := h.put("admin", profile.Flags{})
	for line, want := range map[string]string{
		"get --profile work":                     work,
		"get --profile=work":                     work,
		"get --profile other --profile=work":     work,
		"get --profile work --duration 2h":       short,
		"get --duration=7200 --profile work":     short,
		"get --profile work --duration 3h":       "",
		"get --profile admin":                    admin,
		"get --profile=admin --external-id=x":    "",
		"get --profile work --refresh":           "",
		"get --profile work --refresh=false":     "",
		"get --profile work --debug":             "",
		"--debug get --profile work":             "",
		"get --profile":                          "",
		"get --profile=":                         "",
		"get -profile work":                      "",
		"get --profile work more":                "",
		"get --profile work --":                  "",
		"get --profile any":                      "",
		"get --profile work --duration nonsense": "",
		"get":                                    "",
		"code --profile work":                    "",
		"":                                       "",
	} {
		if got := h.answer(strings.Fields(line)...); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestNoAnswer spoils one thing at a time: nothing is printed, and nothing is left behind.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(h *home){
		"expires soon":    func(h *home) { h.time = h.time.Add(41 * time.Minute) },
		"expired":         func(h *home) { h.time = h.time.Add(2 * time.Hour) },
		"before minting":  func(h *home) { h.time = h.time.Add(-time.Hour) },
		"another key":     func(h *home) { h.vars["AWS_MFA_CREDS_ACCESS_KEY_ID"] = "AKIAOTHEROTHEROTHERO" },
		"another seed":    func(h *home) { h.vars["AWS_MFA_CREDS_SEED"] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" },
		"no serial":       func(h *home) { delete(h.vars, "AWS_MFA_CREDS_SERIAL") },
		"no secrets":      func(h *home) { delete(h.vars, "AWS_MFA_CREDS_SEED") },
		"bad config":      func(h *home) { h.write("[profile work]\nnonsense\n") },
		"relative home":   func(h *home) { h.vars[profile.EnvHome] = "own" },
		"a panic":         func(h *home) { delete(h.vars, "panic"); h.vars["panics"] = "yes" },
		"stale clock":     func(h *home) { h.clock(rules.Clock{Skew: -time.Hour, Measured: h.time.Add(time.Hour)}) },
		"clock runs slow": func(h *home) { h.clock(rules.Clock{Skew: 2 * time.Hour, Measured: h.time.Add(2 * time.Hour)}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.put("work", profile.Flags{})
			spoil(h)
			before := h.files()
			getenv := h.getenv
			if h.vars["panics"] != "" {
				getenv = func(string) string { panic("seed") }
			}
			if json, ok := Answer([]string{"get", "--profile", "work"}, getenv, h.now); ok || len(json) > 0 {
				t.Errorf("%d bytes, %v", len(json), ok)
			}
			if after := h.files(); !slices.Equal(before, after) {
				t.Errorf("before %q, after %q", before, after)
			}
		})
	}
}

func TestClockIsCorrected(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	want := h.put("work", profile.Flags{})
	h.time = h.time.Add(-3 * time.Hour)
	if got := h.answer("get", "--profile", "work"); got != "" {
		t.Error("a session from the future is handed out")
	}
	h.clock(rules.Clock{Skew: 3 * time.Hour, Measured: h.time.Add(3 * time.Hour)})
	if got := h.answer("get", "--profile", "work"); got != want {
		t.Errorf("with a corrected clock: %q", got)
	}
}

func (h *home) clock(c rules.Clock) {
	p := h.open("work", profile.Flags{})
	if err := p.Cache.SaveClock(rules.ClockName("aws", ""), c); err != nil {
		h.t.Fatal(err)
	}
}

// files returns all files below the home, with their sizes and times.
func (h *home) files() []string {
	var all []string
	err := filepath.Walk(h.dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			all = append(all, path+" "+info.ModTime().String())
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func BenchmarkAnswer(b *testing.B) {
	h := newHome(b)
	h.put("work", profile.Flags{})
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Answer([]string{"get", "--profile", "work"}, h.getenv, h.now); !ok {
			b.Fatal("no answer")
		}
	}
}
