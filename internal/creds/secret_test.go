package creds

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"
)

const canary = "JBSWY3DPEHPK3PXP-canary"

// everyVerb is all verbs of fmt, with the flags that change what they show.
func everyVerb() []string {
	var formats []string
	for _, flags := range []string{"", "+", "#", "-20", " ", "010", "5.3", "+#"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
			formats = append(formats, "%"+flags+string(verb))
		}
	}
	return formats
}

// leaks reports whether text shows the canary or a part of it, plain or in hex.
func leaks(text string) bool {
	hex := fmt.Sprintf("%x", canary[:6])
	return strings.Contains(text, canary[:6]) || strings.Contains(strings.ToLower(text), hex)
}

func TestSecretRedactsInEveryFormat(t *testing.T) {
	t.Parallel()
	secret := NewSecret(canary)
	type exported struct{ S Secret }
	type unexported struct {
		name string
		s    Secret
		p    *Secret
		list []Secret
		m    map[string]Secret
	}
	holders := map[string]any{
		"value":      secret,
		"pointer":    &secret,
		"slice":      []Secret{secret},
		"map value":  map[string]Secret{"k": secret},
		"map key":    map[Secret]int{secret: 1},
		"exported":   exported{secret},
		"unexported": unexported{"n", secret, &secret, []Secret{secret}, map[string]Secret{"k": secret}},
		"nested":     struct{ u unexported }{unexported{s: secret}},
		"pointers":   &struct{ u *unexported }{&unexported{s: secret}},
		"interface":  struct{ v any }{secret},
		"access key": AccessKey{ID: "AKIA", Secret: secret},
		"session":    Session{Credentials: Credentials{SecretAccessKey: secret, SessionToken: secret}},
	}
	for name, holder := range holders {
		for _, format := range everyVerb() {
			if text := fmt.Sprintf(format, holder); leaks(text) {
				t.Errorf("%s with %s shows the secret: %s", name, format, text)
			}
		}
		if text := fmt.Sprint(holder) + fmt.Sprintln(holder); leaks(text) {
			t.Errorf("%s with Sprint shows the secret: %s", name, text)
		}
		if err := fmt.Errorf("failed: %v", holder); leaks(err.Error()) {
			t.Errorf("%s in an error shows the secret: %v", name, err)
		}
	}
}

func TestSecretRedactsInEncodings(t *testing.T) {
	t.Parallel()
	secret := NewSecret(canary)
	for name, value := range map[string]any{
		"value": secret, "pointer": &secret, "field": struct{ S Secret }{secret},
		"map value": map[string]Secret{"k": secret}, "map key": map[Secret]int{secret: 1},
	} {
		text, err := json.Marshal(value)
		if err != nil || leaks(string(text)) || !strings.Contains(string(text), redacted) {
			t.Errorf("JSON of a %s: %s, %v", name, text, err)
		}
	}
	text, err := xml.Marshal(AccessKey{Secret: secret})
	if err != nil || leaks(string(text)) || !strings.Contains(string(text), redacted) {
		t.Errorf("XML: %s, %v", text, err)
	}
	var out bytes.Buffer
	if err := template.Must(template.New("").Parse("{{.}}")).Execute(&out, secret); err != nil || leaks(out.String()) {
		t.Errorf("template: %s, %v", out.String(), err)
	}
}

func TestSecretRedactsInLogs(t *testing.T) {
	t.Parallel()
	secret := NewSecret(canary)
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(handler).With("with", secret)
		log.Info("message", "value", secret, "pointer", &secret, "group", slog.GroupValue(slog.Any("g", secret)),
			"struct", struct{ s Secret }{secret}, "error", errors.Join(fmt.Errorf("%s", secret)))
	}
	if leaks(out.String()) || strings.Count(out.String(), redacted) < 6 {
		t.Errorf("log: %s", out.String())
	}
}

// TestLeaksNotices makes sure that the tests above can fail.
func TestLeaksNotices(t *testing.T) {
	t.Parallel()
	if !leaks(fmt.Sprintf("%x", canary)) || !leaks(fmt.Sprintf("%v", struct{ s string }{canary})) {
		t.Error("leaks does not notice the canary")
	}
}

func TestSecretValue(t *testing.T) {
	t.Parallel()
	if got := NewSecret(canary).Reveal(); got != canary {
		t.Errorf("Reveal() = %q", got)
	}
	if !NewSecret("").IsZero() || !(Secret{}).IsZero() || NewSecret("x").IsZero() {
		t.Error("IsZero is wrong")
	}
	if (Secret{}).Reveal() != "" {
		t.Error("the zero Secret has a value")
	}
	if !NewSecret("a").Equal(NewSecret("a")) || NewSecret("a").Equal(NewSecret("b")) || NewSecret("a").Equal(Secret{}) {
		t.Error("Equal is wrong")
	}
}

func TestParseARN(t *testing.T) {
	t.Parallel()
	got, ok := ParseARN("arn:aws-cn:iam::123456789012:mfa/a:b")
	if want := (ARN{"aws-cn", "iam", "123456789012", "mfa/a:b"}); !ok || got != want {
		t.Errorf("got %+v, %v", got, ok)
	}
	for _, text := range []string{"", "arn", "arn:::::", "urn:aws:iam::1:a", "arn:aws:iam::1"} {
		if got, ok := ParseARN(text); ok != (text == "arn:::::") {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
	}
}
