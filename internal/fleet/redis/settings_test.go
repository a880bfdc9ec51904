package redis

import (
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fleet"
)

func TestParse(t *testing.T) {
	t.Parallel()
	with := func(change func(*Settings)) Settings {
		s := Settings{Source: "here", Hosts: []string{"cache.example:6379"}, Prefix: defaultPrefix}
		change(&s)
		return s
	}
	for text, want := range map[string]Settings{
		"redis://cache.example":        with(func(*Settings) {}),
		"redis://cache.example/":       with(func(*Settings) {}),
		"redis://cache.example:6379/0": with(func(*Settings) {}),
		"redis://cache.example:6380/2": with(func(s *Settings) { s.Hosts, s.DB = []string{"cache.example:6380"}, 2 }),
		"redis://[2001:db8::1]":        with(func(s *Settings) { s.Hosts = []string{"[2001:db8::1]:6379"} }),
		"rediss://alice@cache.example": with(func(s *Settings) { s.TLS, s.User = true, "alice" }),
		"redis://:pass@cache.example":  with(func(s *Settings) { s.Password = creds.NewSecret("pass") }),
		"redis://a:p%2Fw%40@cache.example?prefix=ci:&required=true": with(func(s *Settings) {
			s.User, s.Password, s.Prefix, s.Required = "a", creds.NewSecret("p/w@"), "ci:", true
		}),
		"rediss://cache.example?ca=/etc/ca.pem&cert=/c.pem&key=/k.pem&required=false": with(func(s *Settings) {
			s.TLS, s.CA, s.Cert, s.Key = true, "/etc/ca.pem", "/c.pem", "/k.pem"
		}),
		"redis+sentinel://a,b:1,c/main": with(func(s *Settings) { s.Hosts, s.Master = []string{"a:26379", "b:1", "c:26379"}, "main" }),
		"rediss+sentinel://u:p@a/main/3": with(func(s *Settings) {
			s.Hosts, s.Master, s.DB, s.TLS, s.User, s.Password = []string{"a:26379"}, "main", 3, true, "u", creds.NewSecret("p")
		}),
		"redis+cluster://a:7000,b:7001,c:7002": with(func(s *Settings) { s.Hosts, s.Cluster = []string{"a:7000", "b:7001", "c:7002"}, true }),
		"rediss+cluster://a":                   with(func(s *Settings) { s.Hosts, s.Cluster, s.TLS = []string{"a:6379"}, true, true }),
	} {
		got, err := Parse("here", text)
		if err != nil || !reflect.DeepEqual(secretsShown(got), secretsShown(want)) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

// secretsShown makes settings comparable.
func secretsShown(s Settings) [2]any {
	password := s.Password.Reveal()
	s.Password = creds.Secret{}
	return [2]any{s, password}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, cause := range map[string]string{
		"":                                "is not the URL",
		"cache.example:6379":              "is not the URL",
		"http://cache.example":            "is not the URL",
		"redis+tls://cache.example":       "is not the URL",
		"redis:cache.example":             "has no host",
		"redis://canary%zz@cache.example": "is not the URL",
		"redis://cache.example#canary":    "is not the URL",
		"redis://":                        "has no host",
		"redis:///0":                      "has no host",
		"redis+cluster://a,,b":            "has no host",
		"redis://a:port":                  "is not the URL",
		"redis://a,b":                     "names several hosts",
		"redis://a/canary":                "not the number of a database",
		"redis://a/-1":                    "not the number of a database",
		"redis+cluster://a/1":             "not the number of a database",
		"redis+sentinel://a":              "does not say how the Sentinels call",
		"redis://a?canary=1":              "has an unknown key",
		"redis://a?prefix=a&prefix=b":     "has prefix twice",
		"redis://a?prefix={a}":            "has a prefix that cannot be",
		"redis://a?prefix=":               "has a prefix that cannot be",
		"redis://a?required=1":            "has a required that cannot be",
		"rediss://a?ca=ca.pem":            "has a ca that cannot be",
		"rediss://a?cert=/c.pem":          "only one of cert and key",
		"redis://a?ca=/ca.pem":            "has a certificate, and no TLS",
		"redis://a?%zz":                   "cannot be read",
	} {
		_, err := Parse("here", text)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Config || f.Thing != "here" || f.Remedy == "" || !strings.Contains(f.Cause, cause) || strings.Contains(f.Cause+f.Remedy, "canary") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzParse has settings from anywhere: no panic, and no secret in an error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"redis://a:canary@b:1/2?prefix=x", "rediss+sentinel://u:canary@a,b/m/1?required=true", "redis+cluster://a,b?ca=/x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("here", text)
		if err != nil && strings.Contains(fault.Line(err), "canary") {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && (len(s.Hosts) == 0 || s.Prefix == "") {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

// TestExplain says which failures are worth another try, and that nothing of what a server says gets out.
func TestExplain(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for _, c := range []struct {
		err  error
		want error // nil: no other try
		text string
	}{
		{dial(syscall.ECONNREFUSED), fleet.ErrAway, "refused"},
		{io.EOF, fleet.ErrAway, "EOF"},
		{io.ErrUnexpectedEOF, fleet.ErrAway, "EOF"},
		{&net.DNSError{Name: "cache.example", IsNotFound: true}, nil, "cache.example is not a host"},
		{dial(&net.DNSError{Name: "cache.example", IsNotFound: true}), nil, "cache.example is not a host"},
		{redis.Error("READONLY You can't write against a read only replica."), fleet.ErrAway, "READONLY"},
		{redis.Error("LOADING Redis is loading the dataset in memory"), fleet.ErrAway, "LOADING"},
		{redis.Error("CLUSTERDOWN The cluster is down"), fleet.ErrAway, "CLUSTERDOWN"},
		{redis.Error("ERR max number of clients reached"), fleet.ErrAway, "ERR"},
		{redis.Error("WRONGPASS canary"), nil, "WRONGPASS"},
		{redis.Error("NOPERM canary"), nil, "NOPERM"},
		{redis.Error("OOM canary"), nil, "OOM"},
		{redis.Error("MOVED 1 canary:1"), nil, "redis+cluster://"},
		{redis.Error("ERR unknown command 'AUTH', with args beginning with: 'canary'"), nil, "ERR"},
		{redis.Error("canary"), nil, "not an error of Redis"},
		{redis.Error(""), nil, "says"},
		{errGuard, nil, "larger"},
	} {
		got := explain(c.err)
		if !strings.Contains(got.Error(), c.text) || strings.Contains(got.Error(), "canary") {
			t.Errorf("%v: %v", c.err, got)
		}
		for _, again := range []error{fleet.ErrAway, fleet.ErrSilent} {
			if errors.Is(got, again) != errors.Is(c.want, again) {
				t.Errorf("%v: another try: %v", c.err, got)
			}
		}
	}
	if explain(nil) != nil {
		t.Error("nil is a failure")
	}
}
