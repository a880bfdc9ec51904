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

// TestImports holds what the warm path imports: itself only packages that are known to be initialized
// early, or not at all, and by way of the standard library none that is known to be late.
func TestImports(t *testing.T) {
	t.Parallel()
	ours := strings.Fields("cmd/aws-mfa-creds/internal/stack cache creds fault keystore/envstore kernelkey harden profile securefile session/rules totp warm")
	std := strings.Fields(`bytes cmp context crypto/aes crypto/cipher crypto/fips140 crypto/hkdf crypto/hmac crypto/sha1 crypto/sha256
		crypto/subtle encoding/base32 encoding/base64 encoding/binary encoding/hex encoding/json errors fmt hash io io/fs maps math/rand/v2
		os path runtime slices strconv strings sync syscall time unicode unicode/utf8 unsafe`)
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{.ImportPath}}{{if not .Standard}} {{join .Imports " "}}{{end}}`, "../../cmd/aws-mfa-creds/internal/early")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		importer, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, path := range strings.Fields(imports) {
			own, isOwn := strings.CutPrefix(path, module)
			own = strings.TrimPrefix(own, "internal/")
			if isOwn && !slices.Contains(ours, own) || !isOwn && !slices.Contains(std, path) {
				t.Errorf("%s imports %s, which the warm path must not wait for (see the package comment)", importer, path)
			}
		}
		path := strings.TrimPrefix(importer, "vendor/")
		for _, l := range strings.Fields(late) {
			if path == l || strings.HasSuffix(l, "/") && strings.HasPrefix(path, l) {
				t.Errorf("the warm path imports %s, which it must not wait for (see the package comment)", path)
			}
		}
	}
}
