package ring

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestKindsOfEachBuild states what each build contains, in our list and in the library, so that a
// release cannot miss the Keychain without a word.
func TestKindsOfEachBuild(t *testing.T) {
	t.Parallel()
	constants := map[string]string{"Keychain": Keychain, "WinCred": WinCred, "SecretService": SecretService, "KWallet": KWallet, "Pass": Pass, "Keyctl": Keyctl}
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
		var got []string
		for _, file := range goFiles(t, build.system, build.cgo, ".") {
			if strings.HasPrefix(file, "kinds_") || strings.HasPrefix(file, "platform_") {
				got = append(got, returned(t, file, "Kinds")...)
			}
		}
		for i, name := range got {
			got[i] = constants[name]
		}
		if !slices.Equal(got, build.want) {
			t.Errorf("%s: Kinds returns %q, want %q", what, got, build.want)
		}
		library := goFiles(t, build.system, build.cgo, "github.com/99designs/keyring")
		for kind, source := range sources {
			if slices.Contains(library, source) != slices.Contains(build.want, kind) {
				t.Errorf("%s: %s in the library: %v", what, source, slices.Contains(library, source))
			}
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

// returned returns the identifiers in the list that a function returns.
func returned(t *testing.T, file, function string) (names []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Clean(file), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	object := tree.Scope.Lookup(function)
	if object == nil {
		return nil
	}
	ast.Inspect(object.Decl.(*ast.FuncDecl).Body, func(n ast.Node) bool {
		if list, found := n.(*ast.CompositeLit); found {
			for _, element := range list.Elts {
				names = append(names, element.(*ast.Ident).Name)
			}
		}
		return true
	})
	return names
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
