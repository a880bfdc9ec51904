package ring

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/99designs/keyring"
)

// TestKindsOfEachBuild states what each build contains, in our list and in the library, so that a
// release cannot miss the Keychain without a word.
func TestKindsOfEachBuild(t *testing.T) {
	t.Parallel()
	sources := map[string]string{Keychain: "keychain.go", WinCred: "wincred.go", SecretService: "secretservice.go", KWallet: "kwallet.go", Pass: "pass.go", Keyctl: "keyctl.go"}
	for _, build := range []struct {
		system, cgo string
		want        []string
	}{
		{"linux", "0", []string{SecretService, KWallet, Pass, Keyctl}},
		{"linux", "1", []string{SecretService, KWallet, Pass, Keyctl}},
		{"darwin", "0", []string{Pass}},
		{"darwin", "1", []string{Keychain, Pass}},
		{"windows", "0", []string{WinCred}},
		{"freebsd", "0", []string{Pass}},
	} {
		what := build.system + " cgo=" + build.cgo
		library := goFiles(t, build.system, build.cgo, "github.com/99designs/keyring")
		var backends []keyring.BackendType
		for kind, source := range sources {
			if slices.Contains(library, source) {
				backends = append(backends, keyring.BackendType(kind))
			}
			if slices.Contains(library, source) != slices.Contains(build.want, kind) {
				t.Errorf("%s: %s in the library: %v", what, source, slices.Contains(library, source))
			}
		}
		if got := kindsOf(build.system, backends); !slices.Equal(got, build.want) {
			t.Errorf("%s: %q, want %q", what, got, build.want)
		}
	}
}

// goFiles returns the files of a package that a build compiles.
func goFiles(t *testing.T, system, cgo, pkg string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", "{{range .GoFiles}}{{.}} {{end}}{{range .CgoFiles}}{{.}} {{end}}", pkg)
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED="+cgo, "GOARCH=amd64")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// TestJose2Go holds the version without the panics and the forged iteration counts of the ones before,
// which the library's own go.mod would take.
func TestJose2Go(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/dvsekhvalnov/jose2go").Output()
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), ".")
	major, _ := strconv.Atoi(fields[0])
	minor, _ := strconv.Atoi(fields[1])
	if major < 1 || major == 1 && minor < 11 {
		t.Errorf("jose2go %s", out)
	}
}
