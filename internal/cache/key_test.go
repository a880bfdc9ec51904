package cache

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

func TestDeriveKeyTakesBothFactors(t *testing.T) {
	t.Parallel()
	derive := func(secret, seed string) Key { return DeriveKey(creds.NewSecret(secret), creds.NewSecret(seed)) }
	seen := make(map[string]string)
	for _, pair := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"abc", "abc"}, {"c", "ab"}, {"ab", "d"}} {
		k := derive(pair[0], pair[1])
		for _, sub := range [][]byte{k.encryption(), k.index(), k.id()} {
			if other, ok := seen[string(sub)]; ok {
				t.Errorf("%v and %s share a subkey", pair, other)
			}
			seen[string(sub)] = fmt.Sprint(pair)
		}
		if !bytes.Equal(derive(pair[0], pair[1]).encryption(), k.encryption()) {
			t.Errorf("%v is not derived the same again", pair)
		}
	}
	if !derive("", "seed").IsZero() || !derive("secret", "").IsZero() || derive("secret", "seed").IsZero() {
		t.Error("a key is made of one factor")
	}
}

// TestDeriveKeyStaysTheSame pins the scheme: a change of it has to be a change of its
// version.
func TestDeriveKeyStaysTheSame(t *testing.T) {
	t.Parallel()
	k := DeriveKey(creds.NewSecret("secret"), creds.NewSecret("seed"))
	got := fmt.Sprintf("%x %s", k.id(), k.Name(id("a")))
	const want = "d28359ce6bdabd5e 6c304d39a890813458cd22ec3ae092e6"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestKeyRedacts(t *testing.T) {
	t.Parallel()
	k := testKey()
	type inner struct {
		k Key
		p *Key
	}
	for name, value := range map[string]any{
		"value": k, "pointer": &k, "field": struct{ K Key }{k}, "unexported": inner{k, &k}, "deep": &struct{ i *inner }{&inner{k, &k}},
		"slice": []Key{k}, "map": map[string]Key{"k": k}, "interface": struct{ v any }{k},
	} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
			for _, flag := range []string{"", "+", "#", " ", "-9"} {
				if text := fmt.Sprintf("%"+flag+string(verb), value); shows(text, k) {
					t.Errorf("%s with %%%s%c: %s", name, flag, verb, text)
				}
			}
		}
		if text, err := json.Marshal(value); err != nil || shows(string(text), k) {
			t.Errorf("JSON of %s: %s, %v", name, text, err)
		}
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "pointer", &k, "in", inner{k, &k})
	if shows(out.String(), k) || !strings.Contains(out.String(), "[redacted]") {
		t.Errorf("log: %s", out.String())
	}
	if !shows(k.Reveal(), k) || !shows(fmt.Sprintf("%x", k.index()), k) {
		t.Error("shows does not notice a key")
	}
}

// shows reports whether text holds the first bytes of a subkey in hex or as numbers.
func shows(text string, k Key) bool {
	for _, sub := range [][]byte{k.encryption(), k.index()} {
		numbers := strings.Trim(fmt.Sprintf("%d", sub[:4]), "[]")
		if strings.Contains(strings.ToLower(text), hex.EncodeToString(sub[:4])) || strings.Contains(text, numbers) ||
			strings.Contains(text, string(sub[:4])) {
			return true
		}
	}
	return false
}
