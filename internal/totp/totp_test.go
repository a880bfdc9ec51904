package totp

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"
)

func mustParse(t testing.TB, text string) Seed {
	t.Helper()
	seed, err := ParseSeed(text, Policy{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func b32(key string) string { return unpadded().EncodeToString([]byte(key)) }

func TestCodeKeepsLeadingZeros(t *testing.T) {
	t.Parallel()
	// RFC 6238 Appendix B, second 1111111109: 07081804.
	if got := mustParse(t, b32(seed20)).Code(0x23523EC).Reveal(); got != "081804" {
		t.Errorf("got %s, want 081804", got)
	}
}

func TestZeroSeedGivesNothing(t *testing.T) {
	t.Parallel()
	var zero Seed
	if !zero.IsZero() || zero.Bits() != 0 || !zero.Weak() {
		t.Errorf("IsZero %v, Bits %d, Weak %v", zero.IsZero(), zero.Bits(), zero.Weak())
	}
	if !zero.Code(1).IsZero() || !zero.Base32().IsZero() || !zero.URI("label", "issuer").IsZero() {
		t.Error("the zero Seed has a code, a spelling or a URI")
	}
	if !zero.Equal(Seed{}) || zero.Equal(mustParse(t, b32(seed20))) {
		t.Error("the zero Seed does not equal itself alone")
	}
}

func TestStrength(t *testing.T) {
	t.Parallel()
	for size, weak := range map[int]bool{1: true, 10: true, 16: true, 19: true, 20: false, 32: false, 40: false, 64: false, 100: false} {
		seed := mustParse(t, b32(strings.Repeat("k", size)))
		if seed.IsZero() || seed.Bits() != 8*size || seed.Weak() != weak {
			t.Errorf("%d bytes: Bits = %d, Weak = %v", size, seed.Bits(), seed.Weak())
		}
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	a, same, other := mustParse(t, b32(seed20)), mustParse(t, strings.ToLower(b32(seed20))), mustParse(t, b32(seed32))
	if !a.Equal(same) || a.Equal(other) || other.Equal(a) {
		t.Error("Equal does not follow the bytes")
	}
}

// holder has a Seed where fmt cannot call its methods.
type holder struct {
	seed  Seed
	seeds []Seed
	byKey map[string]Seed
	any   any
	p     *Seed
}

// element is what encoding/xml can marshal.
type element struct{ Seed Seed }

func TestSeedRedactsItself(t *testing.T) {
	t.Parallel()
	seed := mustParse(t, b32("canary: a seed.\x01\x02\x03\x04\x05"))
	inside := holder{seed, []Seed{seed}, map[string]Seed{"k": seed}, seed, &seed}
	shown := make(map[string]string)
	for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
		for _, flags := range []string{"", "+", "#", " ", "-20", "010", "5.3", "+#"} {
			format := "%" + flags + string(verb)
			for i, value := range []any{seed, &seed, inside, &inside, []any{seed}, [1]Seed{seed}, map[string]any{"k": seed}} {
				shown[fmt.Sprint(format, " of value ", i)] = fmt.Sprintf(format, value)
			}
		}
	}
	shown["JSON"] = mustMarshal(t, json.Marshal, map[string]any{"a": seed, "b": &seed, "c": inside, "d": []Seed{seed}})
	shown["XML"] = mustMarshal(t, xml.Marshal, element{seed})
	shown["slog"] = logged(seed, inside)
	shown["template"] = executed(t, seed)
	for path, text := range shown {
		if leaks(seed, text) {
			t.Errorf("%s shows the seed: %q", path, text)
		}
	}
	for _, path := range []string{"%v of value 0", "%+v of value 0", "%#v of value 0", "%s of value 0", "%x of value 0", "%d of value 1", "template"} {
		if shown[path] != "[redacted]" {
			t.Errorf("%s shows %q", path, shown[path])
		}
	}
	if !strings.Contains(shown["slog"], "[redacted]") || !strings.Contains(shown["JSON"], `"a":"[redacted]"`) {
		t.Errorf("slog shows %q, JSON %q", shown["slog"], shown["JSON"])
	}
}

// TestLeaksSeesALeak keeps the test above able to fail.
func TestLeaksSeesALeak(t *testing.T) {
	t.Parallel()
	key := "canary: a seed.\x01\x02\x03\x04\x05"
	seed := mustParse(t, b32(key))
	for _, text := range []string{key, b32(key), strings.ToLower(b32(key)), fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), fmt.Sprintf("%d", []byte(key)), fmt.Sprintf("%#v", []byte(key))} {
		if !leaks(seed, "before "+text+" after") {
			t.Errorf("%q is not seen", text)
		}
	}
	if leaks(seed, "[redacted]") {
		t.Error("a leak is seen where none is")
	}
}

// leaks reports whether text holds the first six bytes of seed in any spelling.
func leaks(seed Seed, text string) bool {
	key := []byte(seed.key.Reveal())[:6]
	text = strings.ToLower(text)
	for _, spelling := range []string{
		string(key), b32(string(key))[:8], fmt.Sprintf("%x", key), strings.Trim(fmt.Sprintf("%d", key), "[]"),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", key), "[]byte{"), "}"),
	} {
		if strings.Contains(text, strings.ToLower(spelling)) {
			return true
		}
	}
	return false
}

func mustMarshal(t *testing.T, marshal func(any) ([]byte, error), value any) string {
	t.Helper()
	text, err := marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func logged(values ...any) string {
	var b bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		for _, value := range values {
			slog.New(handler).Info("message", "value", value, slog.Group("group", "value", value))
		}
	}
	return b.String()
}

func executed(t *testing.T, seed Seed) string {
	t.Helper()
	var b strings.Builder
	if err := template.Must(template.New("").Parse("{{.}}")).Execute(&b, seed); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
