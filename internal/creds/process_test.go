package creds

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func credentials() Credentials {
	return Credentials{
		AccessKeyID:     "ASIAIOSFODNN7EXAMPLE",
		SecretAccessKey: NewSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
		SessionToken:    NewSecret("FwoGZXIvYXdzEBYaD+/=token"),
		Expiration:      time.Date(2026, 11, 23, 19, 55, 5, 999e6, time.FixedZone("", 2*3600)),
	}
}

func TestProcessJSONIsExact(t *testing.T) {
	t.Parallel()
	got, err := credentials().ProcessJSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",` +
		`"SessionToken":"FwoGZXIvYXdzEBYaD+/=token","Expiration":"2026-11-23T17:55:05Z"}` + "\n"
	if string(got) != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestProcessJSONRefusesWhatConsumersMangle(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*Credentials){
		"no id":         func(c *Credentials) { c.AccessKeyID = "" },
		"no secret":     func(c *Credentials) { c.SecretAccessKey = Secret{} },
		"no token":      func(c *Credentials) { c.SessionToken = Secret{} },
		"no expiration": func(c *Credentials) { c.Expiration = time.Time{} },
		"quote":         func(c *Credentials) { c.SessionToken = NewSecret(`tok"en-canary`) },
		"backslash":     func(c *Credentials) { c.SessionToken = NewSecret(`tok\en-canary`) },
		"newline":       func(c *Credentials) { c.SessionToken = NewSecret("tok\nen-canary") },
		"not ASCII":     func(c *Credentials) { c.SecretAccessKey = NewSecret("töken-canary") },
		"delete":        func(c *Credentials) { c.SecretAccessKey = NewSecret("tok\x7fen-canary") },
	} {
		c := credentials()
		breakIt(&c)
		out, err := c.ProcessJSON()
		if _, bad := c.Values(); err == nil || out != nil || bad == nil {
			t.Errorf("%s: got %s, %v, %v", name, out, err, bad)
			continue
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows the value: %v", name, err)
		}
	}
}

func TestSessionTimes(t *testing.T) {
	t.Parallel()
	minted := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := Session{Credentials: Credentials{Expiration: minted.Add(time.Hour)}, Minted: minted}
	if got := s.Lifetime(); got != time.Hour {
		t.Errorf("Lifetime() = %v", got)
	}
	if got := s.Remaining(minted.Add(90 * time.Minute)); got != -30*time.Minute {
		t.Errorf("Remaining() = %v", got)
	}
}

func FuzzProcessJSON(f *testing.F) {
	f.Add("ASIA", "secret", "token", int64(0))
	f.Add("A\"", "s\\", "t\u2028", int64(1<<40))
	f.Fuzz(func(t *testing.T, id, secret, token string, expires int64) {
		c := Credentials{id, NewSecret(secret), NewSecret(token), time.Unix(expires, 0)}
		out, err := c.ProcessJSON()
		if err != nil {
			return
		}
		var got struct {
			Version                                                int
			AccessKeyId, SecretAccessKey, SessionToken, Expiration string //nolint:revive // the names of the format
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q is not JSON: %v", out, err)
		}
		if got.Version != 1 || got.AccessKeyId != id || got.SecretAccessKey != secret || got.SessionToken != token {
			t.Fatalf("%q does not round-trip", out)
		}
	})
}
