package fault

import (
	"strings"
	"testing"
)

// TestConceal has command lines with a seed, in all the ways in which such programs take it, and others
// that have to stay readable.
func TestConceal(t *testing.T) {
	t.Parallel()
	const key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	for line, want := range map[string]string{
		"":                                    "",
		"oathtool --totp -b JBSWY3DPEHPK3PXP": "oathtool --totp -b [hidden]",
		"oathtool --totp -b jbswy3dpehpk3pxp": "oathtool --totp -b [hidden]",
		"oathtool --totp=sha1 3132333435363738393031323334353637383930a":           "oathtool --totp=[hidden] [hidden]",
		"mfa_process = oathtool -b --totp 'JBSWY3DPEHPK3PXP'":                      "mfa_process = oathtool -b --totp '[hidden]'",
		`mfa_process=/bin/sh -c "oathtool --totp -b JBSWY3DPEHPK3PXP|head"`:        `mfa_process=/bin/sh -c "oathtool --totp -b [hidden]|head"`,
		"oathtool -b --totp JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX===":                    "oathtool -b --totp [hidden]===",
		"oathtool -b 'JBSW Y3DP EHPK 3PXP'":                                        "oathtool -b '[hidden] [hidden] [hidden] [hidden]'",
		"oathtool -b jbsw y3dp ehpk 3pxp":                                          "oathtool -b [hidden] [hidden] [hidden] [hidden]",
		"totp otpauth://totp/AWS:x?secret=JBSWY3DPEHPK3PXP&issuer=AWS":             "totp [hidden]",
		"totp 'otpauth://totp/AWS:x?secret=JBSW&issuer=AWS' next":                  "totp '[hidden]' next",
		"totp otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU%3D": "totp [hidden]",
		"totp --secret abc":                               "totp --secret [hidden]",
		"totp --secret=abc":                               "totp --secret=[hidden]",
		"totp --seed \"a b\"":                             "totp --seed \"[hidden] b\"",
		"env OTP_SEED=abc AWS_MFA_CREDS_SEED=JBSW totp":   "env OTP_SEED=[hidden] AWS_MFA_CREDS_SEED=[hidden] totp",
		"bw get totp aws --session-token abc":             "bw get totp aws --session-token [hidden]",
		"keepassxc-cli show -t db aws --password hunter2": "keepassxc-cli show -t db aws --password [hidden]",
		"x --api-key 1234":                                "x --api-key [hidden]",
		"x " + key:                                        "x [hidden]",
		"JBSWY3DPEHPK3PXP":                                "[hidden]",
		"# JBSWY3DPEHPK3PXP is the seed":                  "# [hidden] is the seed",

		"op item get AWS --otp":                            "op item get AWS --otp",
		"ykman oath accounts code -s aws:alice":            "ykman oath accounts code -s aws:alice",
		"/bin/sh -c 'pass otp aws | head -n 1'":            "/bin/sh -c 'pass otp aws | head -n 1'",
		"vault read -field=code totp/code/aws":             "vault read -field=code totp/code/aws",
		"totp --token --quiet":                             "totp --token --quiet",
		"a b c d e":                                        "a b c d e",
		"list some four char word":                         "list some four char word",
		"aws_access_key_id = AKIAIOSFODNN7EXAMPLE":         "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
		"x AKIAIOSFODNN7EXAMPLE":                           "x AKIAIOSFODNN7EXAMPLE",
		"mfa_serial = arn:aws:iam::123456789012:mfa/alice": "mfa_serial = arn:aws:iam::123456789012:mfa/alice",
		"x --id 1234567890123456":                          "x --id 1234567890123456",
		"[profile productionadministrator]":                "[profile productionadministrator]",
		"credential_process = /opt/aws-mfa-creds get --profile productionadministrator --role-arn arn:aws:iam::1:role/x --external-id 0123456789abcdef0123456789abcdef": "credential_process = /opt/aws-mfa-creds get --profile productionadministrator --role-arn arn:aws:iam::1:role/x --external-id 0123456789abcdef0123456789abcdef",
		"source_profile = productionadministrator": "source_profile = productionadministrator",
	} {
		if got := Conceal(line); got != want {
			t.Errorf("Conceal(%q) = %q, want %q", line, got, want)
		}
	}
}

// FuzzConceal has a seed anywhere in a line: it never shows, and a line without secrets stays as it is.
func FuzzConceal(f *testing.F) {
	const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	f.Add("oathtool -b ", " | head")
	f.Add("x=", "'")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.HasPrefix(strings.TrimSpace(before), "[") {
			return
		}
		if got := Conceal(before + " " + seed + " " + after); strings.Contains(got, seed) && !strings.Contains(before+after, seed) && !containsAny(strings.ToLower(before), "profile", "session", "external", "key_id", "region", "arn") {
			t.Errorf("%q", got)
		}
	})
}
