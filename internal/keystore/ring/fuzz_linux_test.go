package ring

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzUnescape: the name of a collection comes back from a path that escapes it, as GNOME Keyring does.
func FuzzUnescape(f *testing.F) {
	for _, name := range []string{"login", "my keys", "größe", "_5f", "a%41", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var path strings.Builder
		for _, c := range []byte(name) {
			if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
				path.WriteByte(c)
			} else {
				fmt.Fprintf(&path, "_%02x", c)
			}
		}
		if got := unescape(path.String()); got != name {
			t.Errorf("%q comes back as %q", name, got)
		}
		unescape(name) // what no keyring would write
	})
}

// FuzzOfGpg: only what gpg itself reports counts, and each report means one of four things.
func FuzzOfGpg(f *testing.F) {
	f.Add("[GNUPG:] ENC_TO X\n[GNUPG:] KEY_CONSIDERED X\n[GNUPG:] DECRYPTION_FAILED\n")
	f.Add("gpg: NODATA\n[GNUPG:] NODATA 1\r\n")
	f.Add("[GNUPG:] INV_RECP 10 x")
	f.Add("[GNUPG:]  \n [GNUPG:] BADMDC\n[GNUPG:] DECRYPTION_INFO\n[GNUPG:] DECRYPTION_FAILED")
	f.Fuzz(func(t *testing.T, text string) {
		got := ofGpg(text)
		if !slices.Contains([]state{damaged, noSetup, locked, failed}, got.state) {
			t.Errorf("%q is %v", text, got)
		}
		var reports strings.Builder
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "[GNUPG:] ") {
				reports.WriteString("gpg: DECRYPTION_FAILED NODATA\n" + line)
			}
		}
		if again := ofGpg(reports.String()); again != got {
			t.Errorf("%q is %v, and among other lines %v", text, got, again)
		}
	})
}
