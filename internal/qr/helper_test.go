package qr

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	goqr "github.com/piglig/go-qr"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// otpauth is an URI as AWS's console has it in its code. Its seed is no secret.
const otpauth = "otpauth://totp/Amazon%20Web%20Services:alice@123456789012?secret=" + seed + "&issuer=Amazon%20Web%20Services"

const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

// need returns the path of a program, or skips the test where it need not be.
func need(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is missing: apt install %s", name, debian)
	default:
		t.Skipf("SKIPPED, nothing is compared with %s: apt install %s", name, debian)
	}
	return path
}

// output runs a program with stdin and returns its stdout.
func output(t *testing.T, stdin []byte, path string, args ...string) []byte {
	t.Helper()
	command := exec.Command(path, args...)
	command.Stdin = bytes.NewReader(stdin)
	command.Env = append(os.Environ(), "OMP_NUM_THREADS=1") // the threads of ImageMagick would only wait for each other
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", path, args, err, problems.Bytes())
	}
	return out
}

// qrencode returns a PNG that the program of that name draws.
func qrencode(t *testing.T, text string, args ...string) []byte {
	t.Helper()
	return output(t, []byte(text), need(t, "qrencode", "qrencode"), append([]string{"-o", "-"}, args...)...)
}

// convert has ImageMagick change a picture, with the same noise each time. The last argument is the
// format.
func convert(t *testing.T, picture []byte, args ...string) []byte {
	t.Helper()
	last := len(args) - 1
	args = append(append([]string{"-limit", "thread", "1", "-", "-seed", "1"}, args[:last]...), args[last]+":-")
	return output(t, picture, need(t, "convert", "imagemagick"), args...)
}

// zbarimg returns what the program of that name reads, with a line break.
func zbarimg(t *testing.T, picture []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(path, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(need(t, "zbarimg", "zbar-tools"), "--raw", "-q", path)
	out, err := command.Output()
	if err != nil {
		t.Errorf("zbarimg: %v", err)
	}
	return string(out)
}

// mustDecode returns the texts in a picture.
func mustDecode(t *testing.T, picture []byte) []string {
	t.Helper()
	secrets, err := Decode(picture)
	if err != nil {
		t.Fatal(err)
	}
	return reveal(secrets)
}

func reveal(secrets []creds.Secret) []string {
	var texts []string
	for _, s := range secrets {
		texts = append(texts, s.Reveal())
	}
	return texts
}

// compose returns the modules of a code of text with that version, level and mask.
func compose(t testing.TB, text string, version int, level goqr.Ecc, mask int) []bool {
	t.Helper()
	segment, err := goqr.MakeBytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	code, err := goqr.EncodeSegments([]*goqr.QrSegment{segment}, level, version, version, mask, false)
	if err != nil {
		t.Fatal(err)
	}
	modules := make([]bool, code.Size()*code.Size())
	for i := range modules {
		modules[i] = code.Module(i%code.Size(), i/code.Size())
	}
	return modules
}

func modulesIn(m Matrix) []bool { return drawn(m.modules.Reveal()) }

// drawn returns modules from rows of binary digits.
func drawn(rows string) []bool {
	var modules []bool
	for _, digit := range strings.ReplaceAll(rows, "/", "") {
		modules = append(modules, digit == '1')
	}
	return modules
}
