package ring

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkGet measures one Get, through its worker.
func BenchmarkGet(b *testing.B) {
	for _, kind := range Kinds() {
		b.Run(kind, func(b *testing.B) {
			d := desk{env: os.Environ()}
			if kind == Keyctl {
				needKernel(b)
			} else {
				d = newDesk(b, kind)
			}
			benchmarkGet(b, d.open(b, kind))
		})
	}
	for _, items := range []int{10, 10_000} {
		b.Run("secret-service of "+strconv.Itoa(items), func(b *testing.B) {
			benchmarkGet(b, newFullDesk(b, items).open(b, SecretService))
		})
	}
}

func benchmarkGet(b *testing.B, r *Ring) {
	b.Helper()
	mustPut(b, r, "key:bench", "value")
	b.Cleanup(func() { _ = r.Delete(ctx(), "key:bench") })
	for b.Loop() {
		if _, err := r.Get(ctx(), "key:bench"); err != nil {
			b.Fatal(err)
		}
	}
}

// newFullDesk returns a desk with a Secret Service of so many items. They come from a file: the
// daemon would write all of them for each that is stored, and take minutes.
func newFullDesk(t testing.TB, items int) desk {
	t.Helper()
	var text strings.Builder
	text.WriteString("[keyring]\ndisplay-name=login\nctime=0\nmtime=0\nlock-on-idle=false\nlock-after=false\n")
	for i := range items {
		name := label("key:filler " + strconv.Itoa(i))
		fmt.Fprintf(&text, "\n[%d]\nitem-type=0\ndisplay-name=%s\nsecret={\"Key\":\"%s\",\"Data\":\"dg==\"}\nmtime=0\nctime=0\n", i+1, name, name)
		fmt.Fprintf(&text, "\n[%d:attribute0]\nname=profile\ntype=string\nvalue=%s\n", i+1, name)
	}
	file := filepath.Join(t.TempDir(), "login.keyring")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return newDesk(t, SecretService, "KEYRINGS_LOGIN="+file)
}
