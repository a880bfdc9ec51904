package mfaprocess

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// FuzzWrong: exactly six digits are a code, and no complaint shows what was printed.
func FuzzWrong(f *testing.F) {
	for _, out := range []string{"123456", " 123456\r\n", "", "1234567", "12345", "code: 123456", "١٢٣٤٥٦", "\xef\xbb\xbf123456", "123456\n123456"} {
		f.Add([]byte(out))
	}
	six := regexp.MustCompile(`^[0-9]{6}$`)
	f.Fuzz(func(t *testing.T, out []byte) {
		code := creds.Text(out)
		problem := wrong(code)
		if (problem == "") != six.MatchString(code) || len(code) > 5 && strings.Contains(problem, code) {
			t.Errorf("%q: %q", code, problem)
		}
	})
}
