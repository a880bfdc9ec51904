package worker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzStandardAddress: the file dbus-session names a bus or none, and never one that has to be launched.
func FuzzStandardAddress(f *testing.F) {
	for _, text := range []string{"", "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/bus\n", "DBUS_SESSION_BUS_ADDRESS=autolaunch:", variable + "=", "X=y", variable + "=a\n" + variable + "=b"} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, "dbus-session"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		got := standardAddress("", dir)
		if got != dead && (got == "" || strings.HasPrefix(got, autolaunch) || strings.ContainsAny(got, "\n\x00") || !strings.Contains(string(text), variable+"="+got)) {
			t.Errorf("%q is %q", text, got)
		}
	})
}
