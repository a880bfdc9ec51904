package profile

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestCheckSerial(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		serial, "arn:aws:iam::123456789012:mfa/path/to/a+b=c,d.e@f-g_h", "arn:aws-us-gov:iam::000000000001:mfa/a",
		"arn:aws:iam::123456789012:mfa/root-account-mfa-device", "GAHT12345678", "  " + serial + "\t\r\n",
	} {
		got, err := CheckSerial("x", text)
		if err != nil || got != strings.TrimSpace(text) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	const form = "arn:aws:iam::123456789012:mfa/name"
	for text, part := range map[string]string{
		"":                                                 "empty",
		" \t":                                              "empty",
		"123456":                                           form,
		"arn:aws:iam::123456789012":                        "not the serial",
		"arn:aws:iam::123456789012:mfa":                    "lacks the name",
		"arn:aws:iam::123456789012:mfa/":                   "lacks the name",
		"arn:aws:iam::123456789012:mfa/a/":                 "lacks the name",
		"arn:aws:iam::123456789012:user/anna":              "the ARN of a user",
		"arn:aws:iam::123456789012:role/anna":              "the ARN of a role",
		"arn:aws:iam::123456789012:root":                   "the ARN of the root user",
		"arn:aws:iam::123456789012:group/anna":             "the ARN of a group",
		"arn:aws:sts::123456789012:assumed-role/a/b":       "the ARN of a session",
		"arn:aws:s3:::bucket/key":                          "the ARN of something else",
		"arn:aws:iam::123456789012:sms-mfa/anna":           "TOTP devices only",
		"arn:aws:iam::123456789012:u2f/user/anna/x":        "add a virtual MFA device",
		"arn:aws:iam::12345678901:mfa/anna":                "leading zero lost?",
		"arn:aws:iam::1234567890123:mfa/anna":              "12 digits",
		"arn:aws:iam::1234567890ab:mfa/anna":               "12 digits",
		"arn:aws:iam:us-east-1:123456789012:mfa/anna":      "no region",
		"arn:azure:iam::123456789012:mfa/anna":             "partition",
		"arn:aws:iam::123456789012:mfa/an\u200bna":         "U+200B at position 33",
		"arn:aws:iam::123456789012:mfa/anna\u00a0":         "U+00A0",
		"arn:aws:iam::123456789012:mfa/an\rna":             "U+000D",
		"arn:aws:iam::123456789012:mfa/\u0430nna":          "U+0430",
		"arn:aws:iam::\u0661\u06623456789012:mfa/anna":     "U+0661",
		"arn:aws:iam::123456789012:mfa/\xff":               "U+FFFD",
		"GAHT":                                             form,
		"AKIAIOSFODNN7EXAMPLE":                             form,
		strings.Repeat("G", 200) + strings.Repeat("1", 57): "at most 256",
	} {
		_, err := CheckSerial("the-place", text)
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		wantFault(t, err, fault.Config, "the-place", part)
	}
}

func TestRoleProblem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{roleA, roleB, "arn:aws-iso-b:iam::123456789012:role/~!path/a+=,.@-_"} {
		if problem := roleProblem(text); problem != "" {
			t.Errorf("%s: %s", text, problem)
		}
	}
	for text, part := range map[string]string{
		"admin":                                     "not the ARN of a role",
		"arn:aws:iam::123456789012:role/":           "lacks the name",
		"arn:aws:iam::123456789012:role":            "lacks the name",
		"arn:aws:iam::123456789012:mfa/a":           "the ARN of an MFA device",
		"arn:aws:sts::123456789012:assumed-role/a/": "the ARN of a session",
		"arn:aws:iam::12345678901:role/a":           "leading zero lost?",
		"arn:aws:iam::123456789012:role/a b":        "U+0020",
		roleA + strings.Repeat("a", 2048):           "at most 2048",
	} {
		if problem := roleProblem(text); !strings.Contains(problem, part) {
			t.Errorf("%.60s: got %q, want %q", text, problem, part)
		}
	}
}

func FuzzCheckSerial(f *testing.F) {
	f.Add(serial)
	f.Add("GAHT12345678")
	f.Add("arn:aws:iam::12345678901:mfa/\u200b")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := CheckSerial("x", text)
		if err != nil {
			_ = fault.Line(err)
			return
		}
		if again, err := CheckSerial("x", got); err != nil || again != got {
			t.Errorf("%q gives %q, which gives %q, %v", text, got, again, err)
		}
		if strings.Trim(got, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=/:,.@-") != "" || len(got) < 9 || len(got) > 256 {
			t.Errorf("%q is not what STS takes", got)
		}
	})
}
