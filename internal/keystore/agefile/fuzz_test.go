package agefile

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
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
	s := at("nowhere")
	f.Fuzz(func(t *testing.T, data []byte) {
		hasHeader(data)
		if _, _, err := openItem(data, "a", []age.Identity{identity}); err != nil {
			wantFault(t, s.itemInWords("file", err), fault.NoSecret)
		}
		if _, err := parseIdentities(string(data), pluginHost{}); err != nil && err != errKey { //nolint:errorlint // it is that very value
			t.Error(err)
		}
		if _, err := parseRecipients(string(data), pluginHost{}); err != nil && err != errKey { //nolint:errorlint // as above
			t.Error(err)
		}
	})
}

// FuzzStanza has anything come from a plugin: what is accepted is written as it was read.
func FuzzStanza(f *testing.F) {
	for _, seed := range []string{
		"-> done\n\n", "-> file-key 0\nAAAAAAAAAAAAAAAAAAAAAA\n", "-> msg\n" + strings.Repeat("A", 64) + "\n\n", "->\n\n", "-> a b c", "x", "-> error\n====\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(data), maxStanza)
		s, err := readStanza(r)
		if err != nil {
			return
		}
		var text bytes.Buffer
		must(t, s.writeTo(&text))
		if !bytes.HasPrefix(data, text.Bytes()) {
			t.Errorf("%q was written as %q", data, text.Bytes())
		}
	})
}

func TestStanzas(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		want := stanza{"kind", []string{"0", "arg"}, bytes.Repeat([]byte{0xfe}, n)}
		var text bytes.Buffer
		must(t, want.writeTo(&text))
		got, err := readStanza(bufio.NewReader(&text))
		if err != nil || got.kind != want.kind || !slices.Equal(got.args, want.args) || !bytes.Equal(got.body, want.body) || text.Len() != 0 {
			t.Fatalf("%d bytes came back as %+v, %v", n, got, err)
		}
	}
}
