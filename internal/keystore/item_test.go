package keystore

import (
	"context"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// written is a store that holds what a person has written into it by hand.
type written string

func (w written) Get(context.Context, string) (creds.Secret, error) {
	return creds.NewSecret(string(w)), nil
}
func (written) Put(context.Context, string, creds.Secret) error { return nil }
func (written) Delete(context.Context, string) error            { return nil }

// TestForms has stored items in the forms that other programs write: they are read as what they are, or
// refused as damaged, and never read as something else.
func TestForms(t *testing.T) {
	t.Parallel()
	const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	key := `{"version":1,"access_key_id":"` + someID + `","secret_access_key":"` + someSecret + `"}`
	wide := func(text string, high, low int) string {
		out := make([]byte, 2*len(text))
		for i := range len(text) {
			out[2*i+low], out[2*i+high] = text[i], 0
		}
		return string(out)
	}
	for form, c := range map[string]struct {
		write     func(string) string
		key, seed bool // it is taken
	}{
		"as it is":           {func(s string) string { return s }, true, true},
		"byte order mark":    {func(s string) string { return "\ufeff" + s }, true, true},
		"CR LF":              {func(s string) string { return s + "\r\n" }, true, true},
		"both":               {func(s string) string { return "\ufeff" + s + "\r\n" }, true, true},
		"spaces":             {func(s string) string { return " " + s + "  \n" }, true, true},
		"UTF-16":             {func(s string) string { return "\xff\xfe" + wide(s, 1, 0) }, true, true},
		"UTF-16, big-endian": {func(s string) string { return "\xfe\xff" + wide(s, 0, 1) }, true, true},
		"UTF-16, no mark":    {func(s string) string { return wide(s, 1, 0) }, true, true},
		"no-break space":     {func(s string) string { return s + "\u00a0" }, false, false},
		"zero-width space":   {func(s string) string { return "\u200b" + s }, false, false},
		"inside":             {func(s string) string { return strings.Replace(s, "E", "\u200bE", 1) }, false, false},
		"quotes":             {func(s string) string { return `"` + s + `"` }, false, false},
	} {
		got, err := Items{written(c.write(key))}.AccessKey(t.Context(), "work")
		if (err == nil) != c.key || c.key && (got.ID != someID || got.Secret.Reveal() != someSecret) || !c.key && fault.KindOf(err) != fault.NoSecret {
			t.Errorf("%s: access key %q, %v", form, got.ID, err)
		}
		for _, text := range []string{seed, "otpauth://totp/AWS:x?secret=" + seed} {
			got, err := Items{written(c.write(text))}.Seed(t.Context(), "arn:aws:iam::123456789012:mfa/x")
			if (err == nil) != c.seed || c.seed && !strings.Contains(got.URI("x", Issuer).Reveal(), "secret="+seed) || !c.seed && fault.KindOf(err) != fault.NoSecret {
				t.Errorf("%s: seed %.10s: %v", form, text, err)
			}
		}
	}
}
