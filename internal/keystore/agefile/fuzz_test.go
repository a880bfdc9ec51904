package agefile

import (
	"errors"
	"testing"

	"filippo.io/age"
)

// FuzzDecode has any plaintext: what is accepted is the item it says it is, and comes back the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"version":1,"name":"key:work","secret":"x"}`, `{"version":2}`, `{"version":1,"name":"","secret":""}`, `{}`, ``, `null`, `[1]`,
		`{"VERSION":1,"Name":"a","secret":"\u0000\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		name, value, err := decode(plain, "")
		if err != nil {
			if name != "" || !value.IsZero() {
				t.Errorf("returned something with %v", err)
			}
			return
		}
		again, err := encode(name, value)
		must(t, err)
		if same, back, err := decode(again, name); err != nil || same != name || !back.Equal(value) {
			t.Errorf("%q came back as %q, %v", name, same, err)
		}
		if _, _, err := decode(plain, name+"x"); err == nil {
			t.Error("taken for another item")
		}
	})
}

// FuzzItem has any file in the place of an item, an identity and the recipients: an error is one
// of ours, never a panic.
func FuzzItem(f *testing.F) {
	identity, err := age.GenerateX25519Identity()
	must(f, err)
	file, err := encrypt("a", secret(canary), []age.Recipient{identity.Recipient()})
	must(f, err)
	for _, seed := range []string{
		string(file), string(file[:100]), "", "age-encryption.org/v1\n", "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n\n--- \n",
		"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n", identity.String(), identity.Recipient().String(), "AGE-PLUGIN-", "age1a1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := openItem(data, "a", []age.Identity{identity}); err != nil {
			wantProblem(t, err)
		}
		if _, _, err := openItem(data, "a", nil); err == nil {
			t.Error("opened without an identity")
		} else {
			wantProblem(t, err)
		}
		if _, err := parseKeys(string(data), pluginHost{}.identity); err != nil && err != errKey { //nolint:errorlint // it is that very value
			t.Error(err)
		}
		if _, err := parseKeys(string(data), pluginHost{}.recipient); err != nil && err != errKey { //nolint:errorlint // as above
			t.Error(err)
		}
	})
}

// wantProblem checks that an error is one that is shown for an item.
func wantProblem(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[problem](err); !ok {
		t.Errorf("%T: %v", err, err)
	}
}
