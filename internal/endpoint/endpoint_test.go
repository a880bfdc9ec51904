package endpoint

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // "": it is accepted
		"https://sts.example":                     "",
		"https://sts.example:8443/path":           "",
		"https://vpce-1.sts.vpce.amazonaws.com":   "",
		"http://localhost:4566/sts":               "",
		"http://127.9.9.9":                        "",
		"http://[::1]:80":                         "",
		"":                                        "not a URL",
		"sts.example":                             "not a URL",
		"https://":                                "not a URL",
		"file:///etc/passwd":                      "not a URL",
		"https://a:s3cret@sts.example:%zz":        "not a URL",
		"https://a:s3cret@sts.example":            "has a user, query or fragment",
		"https://sts.example?s3cret":              "has a user, query or fragment",
		"https://sts.example#s3cret":              "has a user, query or fragment",
		"https://sts.example/a:s3cret@other.test": "has a user, query or fragment",
		"http://sts.example":                      "http://sts.example is not encrypted",
		"http://localhost.example":                "is not encrypted",
		"http://127.0.0.1.example":                "is not encrypted",
		"http://169.254.169.254":                  "is not encrypted",
		"http://0.0.0.0":                          "is not encrypted",
	} {
		u, err := Parse(text)
		switch {
		case want == "" && (err != nil || u.String() != text):
			t.Errorf("%q: %v, %v", text, u, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// FuzzParse: whatever is accepted goes to TLS or to this machine, and carries nothing else.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"https://a", "http://[::1%25x]:1/", "http://127.0.0.1@evil.test/", "https://a\\@b", "HTTP://LOCALHOST"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := Parse(text)
		if err != nil {
			return
		}
		if u.Scheme != "https" && !Loopback(u.Hostname()) || u.User != nil || u.RawQuery != "" {
			t.Errorf("accepted %q", text)
		}
	})
}
