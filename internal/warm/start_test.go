package warm

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/aws-mfa-creds/aws-mfa-creds/"

// late are packages that are initialized late, or that make others wait: their paths, or the beginnings
// of their paths.
const late = `net net/ path/filepath log/ regexp math/big crypto/rand crypto/tls os/exec os/user text/ golang.org/x/ gopkg.in/`

// TestImports holds what the warm path imports, by way of whatever, to packages that are initialized
// early, or not at all.
func TestImports(t *testing.T) {
	t.Parallel()
	ours := strings.Fields("cache creds fault keystore/envstore kernelkey harden profile securefile session/rules totp warm")
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{.ImportPath}}{{if .Standard}} std{{end}}`, "../../cmd/aws-mfa-creds/internal/early")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		path, std, _ := strings.Cut(strings.TrimSpace(line), " ")
		own, isOwn := strings.CutPrefix(path, module+"internal/")
		if std == "" && path != module+"cmd/aws-mfa-creds/internal/early" && (!isOwn || !slices.Contains(ours, own)) {
			t.Errorf("the warm path imports %s, which is not known to be early (see the package comment)", path)
		}
		for _, l := range strings.Fields(late) {
			if path = strings.TrimPrefix(path, "vendor/"); path == l || strings.HasSuffix(l, "/") && strings.HasPrefix(path, l) {
				t.Errorf("the warm path imports %s, which it must not wait for (see the package comment)", path)
			}
		}
	}
}
